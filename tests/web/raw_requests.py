"""Requests straight to the application, many in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    body: bytes
    headers: Headers
    method: str = "POST"
    source: str = "192.0.2.1"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


async def knock(app: Starlette, request: Request) -> Answer:
    said: list[Any] = []
    parts = iter([{"type": "http.request", "body": request.body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(parts, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": (request.source, 40_000),
    }
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in said[1:])
    return Answer(said[0]["status"], dict(said[0]["headers"]), body)


def knock_all(app: Starlette, requests: Iterable[Request]) -> list[Answer]:
    """One after the other."""

    async def every() -> list[Answer]:
        return [await knock(app, request) for request in requests]

    return asyncio.run(every())
