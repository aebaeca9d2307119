"""Faults by name: what can be armed, what is armed, and the gate that lets them strike.

The rows are in `forgefaults.py`, in each forge's `faults.py` and in `model/faults.py`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from threading import Event, Lock
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox.recorder import replay

Side = Literal["github", "gitlab", "forge", "model"]
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request that a fault strikes. `act` lets it take effect and returns the good answer."""

    side: Side
    request: Request
    body: bytes
    act: Callable[[], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. `on` is a pattern over "METHOD path"; empty = every request of the side.

    The side `forge` is both hosts.
    """

    name: str
    side: Side
    says: str
    effect: Callable[[Call], Awaitable[Response]]
    on: str = ""
    once: bool = False


@dataclass(slots=True)
class Armed:
    """`left` counts down; None = until cleared. `match` is a method or a part of the path."""

    fault: Fault
    left: int | None
    match: str | None

    def strikes(self, side: Side, method: str, path: str) -> bool:
        sides = (side,) if side == "model" else (side, "forge")
        if self.fault.side not in sides or not re.search(self.fault.on, f"{method} {path}"):
            return False
        if self.match in METHODS:
            return self.match == method
        return self.match is None or self.match in path


@dataclass(slots=True)
class Faults:
    """The table of known faults and the armed ones, struck in the order of arming.

    `ending` is set when the sandbox stops, so that hanging answers end.
    """

    table: dict[str, Fault]
    armed: list[Armed] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    ending: Event = field(default_factory=Event)

    @classmethod
    def of(cls, rows: Iterable[Fault]) -> Faults:
        return cls({row.name: row for row in rows})

    def arm(self, name: str, times: int | None = 1, match: str | None = None) -> None:
        """Raises ValueError, naming the nearest known fault."""
        if name not in self.table:
            near = get_close_matches(name, self.table, n=1, cutoff=0.0)
            raise ValueError(f"no fault is called {name!r}; the nearest is {near[0]!r}")
        fault = self.table[name]
        with self.lock:
            self.armed.append(Armed(fault, 1 if fault.once else times, match))

    def clear(self) -> None:
        with self.lock:
            self.armed.clear()

    def take(self, side: Side, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, if any, counted down."""
        with self.lock:
            for armed in self.armed:
                if armed.strikes(side, method, path):
                    if armed.left is not None:
                        armed.left -= 1
                    self.armed = [a for a in self.armed if a.left is None or a.left > 0]
                    return armed.fault
        return None


async def collect(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """The app's whole answer as one value."""
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


class Gate:
    """ASGI wrapper: hands a request to the armed fault that strikes it, else to the face."""

    def __init__(self, app: ASGIApp, side: Side, faults: Faults) -> None:
        self.app: ASGIApp = app
        self.side: Side = side
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.faults.take(self.side, scope["method"], scope["path"])
        if fault is None:
            await self.app(scope, receive, send)
            return
        state: dict[str, Any] = scope["state"]
        state["fault"] = fault.name
        state["ending"] = self.faults.ending
        body: bytes = state["body"]

        async def act() -> Response:
            return await collect(self.app, scope, replay(body, receive))

        response = await fault.effect(Call(self.side, Request(scope), body, act))
        await response(scope, receive, send)
