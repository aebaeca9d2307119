"""Fault injection: known faults, armed faults, and the wrapper that applies them to an API."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from email.utils import format_datetime
from threading import Event, Lock
from typing import Literal

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Side = Literal["github", "gitlab", "forge", "model"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request with a fault. `act` lets it take effect and returns the correct answer."""

    side: Side
    request: Request
    body: bytes
    act: Callable[[], Awaitable[Response]]


Effect = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure. `on` is a pattern over "METHOD path"; empty = every request of the side.

    The side `forge` is both hosts.
    """

    name: str
    side: Side
    description: str
    effect: Effect
    on: str = ""


@dataclass(slots=True)
class Armed:
    """A fault to apply `left` more times, None = until cleared; only to paths with `match`."""

    fault: Fault
    left: int | None
    match: str | None

    def applies_to(self, side: Side, method: str, path: str) -> bool:
        sides = (side,) if side == "model" else (side, "forge")
        if self.fault.side not in sides or not re.search(self.fault.on, f"{method} {path}"):
            return False
        return self.match is None or self.match in path


@dataclass(slots=True)
class Faults:
    """The table of known faults, and the armed ones in the order in which they apply.

    `ending` is set when the sandbox stops; answers that hang end then.
    """

    table: dict[str, Fault]
    armed: list[Armed] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    ending: Event = field(default_factory=Event)

    @classmethod
    def of(cls, rows: Iterable[Fault]) -> Faults:
        return cls({row.name: row for row in rows})

    def arm(self, name: str, times: int | None = 1, match: str | None = None) -> None:
        """Arm a fault. Raises ValueError, with the nearest known name."""
        if name not in self.table:
            near = get_close_matches(name, self.table, n=1, cutoff=0.0)
            raise ValueError(f"no fault is called {name!r}; the nearest is {near[0]!r}")
        fault = self.table[name]
        with self.lock:
            self.armed.append(Armed(fault, times, match))

    def clear(self) -> None:
        with self.lock:
            self.armed.clear()

    def take(self, side: Side, method: str, path: str) -> Fault | None:
        """Return the fault that applies to this request, if any, and count it down."""
        with self.lock:
            for armed in self.armed:
                if armed.applies_to(side, method, path):
                    if armed.left is not None:
                        armed.left -= 1
                    self.armed = [a for a in self.armed if a.left is None or a.left > 0]
                    return armed.fault
        return None


class FaultInjector:
    """ASGI wrapper: dates the answers of an API by its clock and applies the armed faults."""

    def __init__(
        self, app: ASGIApp, side: Side, faults: Faults, clock: Callable[[], datetime]
    ) -> None:
        self.app, self.side, self.faults, self.clock = app, side, faults, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self.clock().astimezone(UTC), usegmt=True)
                message["headers"] = [*message["headers"], (b"date", date.encode())]
            await send(message)

        fault = self.faults.take(self.side, scope["method"], scope["path"])
        if fault is None:
            await self.app(scope, receive, send_dated)
            return
        scope["state"].update(fault=fault.name, ending=self.faults.ending)
        try:
            body = await read_body(receive)
        except ClientDisconnect:
            return

        async def act() -> Response:
            return await collect(self.app, scope, replay(body, receive))

        response = await fault.effect(Call(self.side, Request(scope), body, act))
        await response(scope, receive, send_dated)


async def read_body(receive: Receive) -> bytes:
    """Return a request's body. Raises `ClientDisconnect` where the client ends within it."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more, then the server's further messages."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


async def collect(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Return the app's whole answer as one value."""
    response = Response()
    parts: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            response.raw_headers = list(message["headers"])
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, keep)
    response.body = b"".join(parts)
    return response
