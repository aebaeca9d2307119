"""The vendors' batch APIs: requests are checked and answered as single ones, later."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response

from bot.sandbox.model.api import InvalidRequest, Models, Vendor

MAX_REQUESTS = {"openai": 50_000, "anthropic": 100_000}
MAX_BYTES = {"openai": 200_000_000, "anthropic": 256_000_000}
Json = dict[str, Any]


@dataclass
class Batch:
    """A batch at a vendor. `results` are there once it has `ended`; `lines` are its requests."""

    id: str
    lines: list[tuple[str, Json]]
    metadata: Json = field(default_factory=dict)
    file: str = ""
    created: float = field(default_factory=time.time)
    status: str = ""
    results: dict[str, list[Json]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    error: Json | None = None


@dataclass
class Script:
    """How the next batches behave: `late` polls before the end, and requests that get no answer.

    `skip` says of the n-th request whether it expires, `fail` whether it fails with a status,
    `twice` repeats each result, `whole` is the code with which the whole batch fails.
    """

    late: int = 1
    skip: Callable[[int], bool] = lambda _: False
    fail: Callable[[int], int] = lambda _: 0
    twice: bool = False
    whole: str = ""
    never: bool = False


@dataclass
class BatchVendor:
    """The batches of one vendor, whose state survives a restart of its server."""

    models: Models
    vendor: Vendor
    script: Script = field(default_factory=Script)
    batches: dict[str, Batch] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    created: list[Batch] = field(default_factory=list)

    name: ClassVar[str] = ""

    def check_key(self, request: Request) -> None:
        """Raises InvalidRequest."""
        probe = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
        self.vendor.check(request.headers, probe, self.models.key)

    def answer(self, headers: Mapping[str, str], body: Json) -> tuple[int, Json]:
        """Return the status and the response to one request of a batch."""
        try:
            self.vendor.check(headers, body, self.models.key)
        except InvalidRequest as problem:
            error = self.vendor.error(problem.status, problem.message, problem.param)
            return problem.status, json.loads(bytes(error.body))
        found = self.vendor.answer(body, self.models.text(self.vendor, body))
        return 200, json.loads(bytes(found.body))

    def is_over(self, batch: Batch) -> bool:
        """Count a poll; return whether the batch ends with it."""
        self.polls[batch.id] = self.polls.get(batch.id, 0) + 1
        return not self.script.never and self.polls[batch.id] > self.script.late

    def guard(self, act: Callable[[Request, bytes], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                self.check_key(request)
                return act(request, await request.body())
            except InvalidRequest as problem:
                return self.vendor.error(problem.status, problem.message, problem.param)

        return endpoint

    def find(self, request: Request) -> Batch:
        """Raises InvalidRequest."""
        batch = self.batches.get(request.path_params["id"])
        if batch is None:
            raise InvalidRequest(404, "No batch found with that id.")
        return batch
