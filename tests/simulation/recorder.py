"""The log of all requests to a simulated API and their answers, as sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox.faults import read_body, replay

KEPT_BYTES = 1_000_000
BODILESS = (204, 304)  # the client has all of such an answer with its headers


@dataclass(frozen=True, slots=True)
class Exchange:
    """`path` is as sent, without the API's base. `status` is 0 where no answer was given."""

    api: str
    method: str
    path: str
    query: str
    request_headers: dict[str, str]
    request_body: bytes
    status: int
    response_headers: dict[str, str]
    response_body: bytes
    fault: str | None = None

    @property
    def request_json(self) -> Any:
        return _decoded(self.request_body)

    @property
    def response_json(self) -> Any:
        return _decoded(self.response_body)


def _decoded(body: bytes) -> Any:
    """None where there is no JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None


@dataclass(slots=True)
class Log:
    """Exchanges in the order of their answers. Observers run in the server's thread."""

    exchanges: list[Exchange] = field(default_factory=list)
    observers: list[Callable[[Exchange], None]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, exchange: Exchange) -> None:
        with self.lock:
            self.exchanges.append(exchange)
            observers = list(self.observers)
        for observe in observers:
            observe(exchange)

    def of(self, api: str) -> list[Exchange]:
        with self.lock:
            return [exchange for exchange in self.exchanges if exchange.api == api]


def headers_of(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in raw}


@dataclass(slots=True)
class Answer:
    """What was sent so far."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], headers_of(message["headers"])
            self.ended = self.status in BODILESS
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")[: KEPT_BYTES - len(self.body)]
            self.ended = not message.get("more_body", False)


class Recorder:
    """ASGI wrapper of an API that logs each exchange before the last byte is sent."""

    def __init__(self, app: ASGIApp, api: str, log: Log) -> None:
        self.app, self.api, self.log = app, api, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except ClientDisconnect:
            return  # the request did not arrive: it is neither carried out nor logged
        answer, logged = Answer(), False

        async def sending(message: Message) -> None:
            nonlocal logged
            answer.take(message)
            if answer.ended and not logged:
                logged = True
                self.log.add(self._exchange(scope, body, answer))
            await send(message)

        try:
            await self.app(scope, replay(body, receive), sending)
        finally:
            if not logged:
                self.log.add(self._exchange(scope, body, answer))

    def _exchange(self, scope: Scope, body: bytes, answer: Answer) -> Exchange:
        return Exchange(
            api=self.api,
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1").removeprefix(scope.get("root_path", "")),
            query=scope["query_string"].decode("latin-1"),
            request_headers=headers_of(scope["headers"]),
            request_body=body,
            status=answer.status,
            response_headers=answer.headers,
            response_body=answer.body,
            fault=scope["state"].get("fault"),
        )
