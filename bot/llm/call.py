"""The call that all providers share: one deadline, a size cap, no redirects, two tries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from bot.core.cost import cost_usd
from bot.core.errors import ModelFailed
from bot.core.model import Usage
from bot.core.prompt import Answer, Prompt
from bot.http import Clients, deadline, send
from bot.llm.wire import Said, Target, Wire

MAX_BYTES = 1024 * 1024
TRIES = 2
LONGEST_WAIT = 5.0
REFUSED = (401, 403, 404)
UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class RemoteModel:
    """Implements the `Model` port over HTTP. `seconds` bounds a whole `ask`, tries included."""

    def __init__(
        self,
        clients: Clients,
        wire: Wire,
        base_url: str,
        target: Target,
        seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = target.model
        self._clients = clients
        self._wire = wire
        self._url = base_url + wire.path
        self._target = target
        self._seconds = seconds
        self._sleep = sleep

    def ask(self, prompt: Prompt) -> Answer:
        """Ask once, and once more where that may help. Raises `ModelFailed`."""
        until = time.monotonic() + self._seconds
        with deadline(self._seconds):
            for tries_left in range(TRIES - 1, -1, -1):
                try:
                    return self._once(prompt, until)
                except ModelFailed as failure:
                    in_time = time.monotonic() + failure.after < until
                    if not (failure.again and tries_left and in_time):
                        raise
                    self._sleep(failure.after)
        raise AssertionError("the last try returns or raises")

    def _once(self, prompt: Prompt, until: float) -> Answer:
        client = self._clients.get()
        request = client.build_request(
            "POST",
            self._url,
            headers={"Content-Type": "application/json", **self._wire.headers(self._target)},
            content=msgspec.json.encode(self._wire.body(prompt, self._target)),
            timeout=self._seconds,
        )
        try:
            response = send(client, request, MAX_BYTES)
        except httpx.TransportError as error:
            raise _transport_failure(error, late=time.monotonic() >= until) from None
        if response.status_code != 200:
            raise _status_failure(response)
        said = self._read(response.content)
        cost = cost_usd(self.name, said.tokens_in, said.tokens_out)
        return Answer(said.text, Usage(self.name, said.tokens_in, said.tokens_out, cost))

    def _read(self, body: bytes) -> Said:
        try:
            data: Any = msgspec.json.decode(body)
            said = self._wire.read(data)
        except (msgspec.DecodeError, RecursionError):
            raise ModelFailed("not-json", again=True) from None
        except (KeyError, TypeError, IndexError, AttributeError):
            raise ModelFailed("wrong-envelope") from None
        if not isinstance(said.text, str) or not said.text.strip():
            raise ModelFailed("empty")
        return said


def _transport_failure(error: httpx.TransportError, *, late: bool) -> ModelFailed:
    if late or isinstance(error, httpx.TimeoutException):
        return ModelFailed("timeout", outage=True)
    if isinstance(error, UNREACHABLE):
        return ModelFailed("unreachable", outage=True)
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError):
        return ModelFailed("connection-lost", again=True, outage=True)
    return ModelFailed("too-long")


def _status_failure(response: httpx.Response) -> ModelFailed:
    status = response.status_code
    reason = f"status-{status}"
    if status in REFUSED:
        return ModelFailed(reason, refused=True)
    if status == 429:
        after = _seconds(response.headers.get("retry-after"))
        return ModelFailed(reason, again=after <= LONGEST_WAIT, after=after, outage=True)
    if status >= 500:
        return ModelFailed(reason, again=True, after=0.5, outage=True)
    return ModelFailed(reason)


def _seconds(text: str | None) -> float:
    try:
        return max(float(text or 1), 0.0)
    except ValueError:
        return LONGEST_WAIT + 1
