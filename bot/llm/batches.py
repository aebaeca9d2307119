"""Requests that a vendor answers within a day at a lower price: sent, polled, read, deleted.

A vendor's format is in `openai_batches.py` or `anthropic_batches.py`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from bot import http
from bot.core.errors import ModelFailed
from bot.core.prompt import Prompt
from bot.core.text.lenient_json import DECODE_ERRORS
from bot.llm.client import WRONG_SHAPES, ModelClient, read_completion, send_request
from bot.llm.protocol import Completion

MAX_BYTES = 1024 * 1024  # of a response that is no result
MAX_RESULT_BYTES = 48 * 1024 * 1024
CALL_SECONDS = 180.0  # with the upload of `MAX_BATCH_BYTES`
MAX_BATCH_BYTES = 8 * 1024 * 1024  # of requests; both vendors accept far more
ID = re.compile(r"[\w.-]{1,200}")
# Failures of a request that the vendor may have carried out.
UNCERTAIN = (
    *("timeout", "connection-lost", "too-long", "wrong-envelope", "not-json"),
    *("status-500", "status-502", "status-504"),
)


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request. `id` has at most 64 letters, digits, `-` and `_`."""

    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch at the vendor: its id there, and the files that were uploaded for it."""

    id: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchState:
    """`why` is the vendor's reason where the whole batch failed, `outputs` are its results."""

    has_ended: bool
    why: str = ""
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The answer to one request; without a completion `why` is the reason.

    `rejected`: the vendor does not accept the request, and would not accept it again.
    """

    id: str
    completion: Completion | None = None
    why: str = ""
    rejected: bool = False
    charged: bool = False


@contextmanager
def readable() -> Iterator[None]:
    """Raise `ModelFailed` for a response that does not have the vendor's format."""
    try:
        yield
    except (*DECODE_ERRORS, *WRONG_SHAPES):
        raise ModelFailed("wrong-envelope") from None


class BatchClient(ABC):
    """The batches of one model. A subclass has a vendor's endpoints; all raise `ModelFailed`."""

    can_find: ClassVar[bool]

    def __init__(self, clients: http.ClientPool, model: ModelClient) -> None:
        self.model = model
        self._clients = clients

    @abstractmethod
    def submit(self, requests: Sequence[BatchRequest], token: str) -> SentBatch:
        """Create a batch; `token` is what `find` finds it by, where the vendor `can_find`.

        It may exist where the failure `is_uncertain`.
        """

    @abstractmethod
    def find(self, token: str) -> SentBatch | None:
        """Return the batch that was created with a token, None where it cannot be found."""

    @abstractmethod
    def abandon(self, token: str) -> None:
        """Delete what was uploaded for a batch that cannot be found."""

    @abstractmethod
    def poll(self, batch: SentBatch) -> BatchState: ...

    @abstractmethod
    def read(self, batch: SentBatch, output: str) -> bytes:
        """Return results as JSON lines."""

    @abstractmethod
    def parse(self, line: Any) -> tuple[str, Mapping[str, Any] | None, str, bool]:
        """Return a result: its id, the response or None, why not, and whether it was rejected.

        Raises KeyError and TypeError for one of another form.
        """

    @abstractmethod
    def cancel(self, batch: SentBatch) -> None: ...

    @abstractmethod
    def delete(self, batch: SentBatch, state: BatchState) -> None:
        """Delete what the vendor keeps of a batch that has ended; gone already is no error."""

    def build_request(self, id_: str, prompt: Prompt) -> BatchRequest:
        return BatchRequest(id_, msgspec.json.encode(self.model.build_body(prompt)))

    def read_results(self, batch: SentBatch, state: BatchState) -> Iterator[BatchResult]:
        """Yield the results that can be read, each request's first one."""
        seen = set[str]()
        for output in state.outputs:
            for line in self.read(batch, output).splitlines():
                result = self._read_result(line)
                if result and result.id not in seen:
                    seen.add(result.id)
                    yield result

    def _read_result(self, line: bytes) -> BatchResult | None:
        """Return a result, None for a line that cannot be read."""
        try:
            id_, response, why, rejected = self.parse(msgspec.json.decode(line))
        except (*DECODE_ERRORS, *WRONG_SHAPES, ValueError):
            return None
        if response is None:
            return BatchResult(id_, None, why, rejected)
        try:
            completion = read_completion(self.model.protocol, response)
        except WRONG_SHAPES:
            return BatchResult(id_, None, "wrong-envelope", rejected=True, charged=True)
        except ModelFailed as failure:
            return BatchResult(id_, None, failure.reason, rejected=True, charged=True)
        return BatchResult(id_, completion, charged=True)

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        content_type: str = "application/json",
        max_bytes: int = MAX_BYTES,
    ) -> bytes:
        """Return the content of a response with status 200. Raises `ModelFailed`."""
        endpoint = self.model.endpoint
        headers = {"Content-Type": content_type} if content is not None else {}
        headers |= self.model.protocol.build_headers(endpoint.key)
        request = http.Request(method, endpoint.base_url + path, headers, content, CALL_SECONDS)
        with http.deadline(CALL_SECONDS):
            return send_request(self._clients, request, max_bytes).content


def is_gone(failure: ModelFailed) -> bool:
    return failure.reason == "status-404"


def is_uncertain(failure: ModelFailed) -> bool:
    """Return whether a request that failed may have had its effect."""
    return failure.reason in UNCERTAIN


def check_id(value: object) -> str:
    """Return an id of the vendor, which may be part of a path. Raises `TypeError`."""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise TypeError("not an id")
    return value
