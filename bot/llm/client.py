"""One model over HTTP: a total deadline, a size limit, one retry, one repair of the answer."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec

from bot import http, log
from bot.core.errors import ModelFailed
from bot.core.pricing import cost_usd
from bot.core.prompt import Prompt
from bot.core.text.lenient_json import DECODE_ERRORS, decode_leniently
from bot.core.types import ModelSetting, Usage
from bot.llm.event_stream import join_events
from bot.llm.negotiate import (
    NEGOTIABLE,
    RequestRejected,
    extract_error,
    find_setting,
    negotiate,
)
from bot.llm.protocol import Capabilities, Completion, CompletionRequest, Endpoint, ModelProtocol

MAX_BYTES = 1024 * 1024
PAUSE_SECONDS = 0.5
SETTINGS: Mapping[int, ModelSetting] = {401: "key", 402: "key", 403: "model", 404: "url"}
WRONG_SHAPES = (KeyError, TypeError, IndexError, AttributeError)  # of a decoded response

T = TypeVar("T")


class ModelClient:
    """Calls a model. The capabilities of its server are negotiated once per client."""

    def __init__(
        self,
        clients: http.ClientPool,
        protocol: ModelProtocol,
        endpoint: Endpoint,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = endpoint.model
        self._clients = clients
        self.protocol = protocol
        self.endpoint = endpoint
        self._sleep = sleep
        self._capabilities = Capabilities(protocol.forms[0])

    def build_body(self, prompt: Prompt) -> Mapping[str, Any]:
        """Return the body of a request, in the form that the server accepted last."""
        request = CompletionRequest(prompt, self.endpoint, self._capabilities)
        return self.protocol.build_body(request)

    @property
    def url(self) -> str:
        """Return the address of every request."""
        return self.endpoint.base_url + self.protocol.path

    def worst_usd(self, tokens_in: int) -> float:
        """Return the cost of two answers of full length, as the first may need a repair."""
        return 2 * (cost_usd(self.name, tokens_in, self.endpoint.max_output_tokens) or 0.0)

    def complete(self, prompt: Prompt, parse: Callable[[str], T]) -> tuple[T, Usage]:
        """Return the parsed answer and its usage; an answer that `parse` rejects is repaired once.

        Raises `ModelFailed`.
        """
        with http.deadline(self.endpoint.seconds):
            request = CompletionRequest(prompt, self.endpoint, self._capabilities)
            completion, request = self._send_negotiated(request)
            try:
                value = parse(completion.text)
            except ModelFailed as rejection:
                value, completion = self._repair(request, completion, parse, rejection)
        tokens_in, tokens_out = completion.tokens_in, completion.tokens_out
        is_counted = tokens_in or tokens_out
        cost = cost_usd(self.name, tokens_in, tokens_out) if is_counted else None
        return value, Usage(self.name, tokens_in, tokens_out, cost)

    def _repair(
        self,
        request: CompletionRequest,
        rejected: Completion,
        parse: Callable[[str], T],
        rejection: ModelFailed,
    ) -> tuple[T, Completion]:
        """Request a second answer in the same conversation. Raises `rejection` if it fails too."""
        try:
            repaired, request = self._send_negotiated(
                replace(request, rejected_answer=rejected.text)
            )
            value = parse(repaired.text)
        except ModelFailed:
            raise rejection from None
        if rejection.reason == "not-json":  # the server ignores the schema
            current = request.capabilities
            self._save_capabilities(current, replace(current, schema_in_prompt=True))
        return value, replace(
            repaired,
            tokens_in=rejected.tokens_in + repaired.tokens_in,
            tokens_out=rejected.tokens_out + repaired.tokens_out,
        )

    def _send_negotiated(self, request: CompletionRequest) -> tuple[Completion, CompletionRequest]:
        """Return the completion, and the request in the form that the server accepted."""
        before = request.capabilities
        while True:
            try:
                completion = self._send_with_retry(request)
            except RequestRejected as rejection:
                request = negotiate(request, rejection, self.protocol)
            else:
                self._save_capabilities(before, request.capabilities)
                return completion, request

    def _save_capabilities(self, before: Capabilities, capabilities: Capabilities) -> None:
        if capabilities == before:
            return
        self._capabilities = capabilities
        fields = asdict(capabilities) | {"unsupported": sorted(capabilities.unsupported)}
        log.get().info("model requests use another format now", model=self.name, **fields)

    def _send_with_retry(self, request: CompletionRequest) -> Completion:
        try:
            return self._send(request)
        except ModelFailed as failure:
            if not failure.retryable or failure.after >= (http.seconds_left() or 0.0):
                raise
            self._sleep(failure.after)
        return self._send(request)

    def _send(self, request: CompletionRequest) -> Completion:
        endpoint = self.endpoint
        http_request = http.Request(
            "POST",
            self.url,
            {"Content-Type": "application/json", **self.protocol.build_headers(endpoint.key)},
            msgspec.json.encode(self.protocol.build_body(request)),
            endpoint.seconds,
        )
        return self._read(send_request(self._clients, http_request, MAX_BYTES))

    def _read(self, response: http.Response) -> Completion:
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        try:
            read = join_events if is_stream else decode_leniently
            data = read(response.content)
            if status := _find_error_status(data):
                raise map_status(replace(response, status=status))
            return read_completion(self.protocol, data)
        except DECODE_ERRORS:
            raise ModelFailed("not-json", retryable=True) from None
        except WRONG_SHAPES:
            raise ModelFailed("wrong-envelope") from None


def send_request(clients: http.ClientPool, request: http.Request, max_bytes: int) -> http.Response:
    """Return a response with status 200. Raises `ModelFailed`."""
    try:
        response = clients.get().send(request, max_bytes)
    except http.FAILURES as error:
        raise map_transport_error(error) from None
    if response.status != 200:
        raise map_status(response)
    return response


def read_completion(protocol: ModelProtocol, data: Any) -> Completion:
    """Return the completion in a decoded response. Raises `ModelFailed` and `WRONG_SHAPES`."""
    completion = protocol.parse_response(data)
    if not isinstance(completion.text, str) or not completion.text.strip():
        raise ModelFailed("empty")
    return completion


def map_transport_error(error: Exception) -> ModelFailed:
    if isinstance(error, http.TIMEOUTS) or not http.seconds_left():
        return ModelFailed("timeout", outage=True)
    if isinstance(error, http.NOT_SENT):
        return ModelFailed("unreachable", outage=True)
    if isinstance(error, http.CONNECTION_LOST):
        return ModelFailed("connection-lost", retryable=True, outage=True)
    return ModelFailed("too-long")


def map_status(response: http.Response) -> ModelFailed:
    status = response.status
    reason = f"status-{status}"
    detail = extract_error(response.content)
    if setting := SETTINGS.get(status):
        is_about_model = status == 404 and find_setting(detail) == "model"
        return ModelFailed(reason, setting="model" if is_about_model else setting, detail=detail)
    if status in NEGOTIABLE:
        return RequestRejected(status, detail)
    asked = response.headers.get("retry-after")
    if status == 429 or (asked and status >= 500):
        after = _parse_retry_after(asked)
        return ModelFailed(reason, retryable=True, after=after, outage=True, detail=detail)
    if status >= 500:
        return ModelFailed(reason, retryable=True, after=PAUSE_SECONDS, outage=True, detail=detail)
    return ModelFailed(reason, detail=detail)


def _find_error_status(data: object) -> int:
    """Return the status of an error inside a response with status 200, 0 for none."""
    if not isinstance(data, Mapping):
        return 0
    error = data.get("error") or (data if data.get("object") == "error" else None)
    if not error:
        return 0
    code = str(error.get("code") or error.get("status")) if isinstance(error, Mapping) else ""
    return int(code) if re.fullmatch("[45]\\d\\d", code) else 500


def _parse_retry_after(text: str | None) -> float:
    """Return the seconds that a server asks to wait, given as a number or as a date."""
    try:
        return max(float(text or 1), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(str(text)).timestamp() - time.time(), 0.0)
    except ValueError:
        return math.inf
