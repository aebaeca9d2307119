"""Requests straight to the application, many in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette


@dataclass(frozen=True, slots=True)
class Request:
    """A request; a body that is an iterator has no end."""

    path: str
    body: bytes | AsyncIterator[bytes]
    headers: Mapping[str, str]
    method: str = "POST"
    source: str = "192.0.2.1"


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


async def send_request(app: Starlette, request: Request) -> Response:
    messages: list[Any] = []
    bodies = iter([request.body] if isinstance(request.body, bytes) else [])

    async def receive() -> dict[str, Any]:
        if not isinstance(request.body, bytes):
            return {"type": "http.request", "body": await anext(request.body), "more_body": True}
        for body in bodies:
            return {"type": "http.request", "body": body, "more_body": False}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in request.headers.items()],
        "client": (request.source, 40_000),
    }
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Response(messages[0]["status"], dict(messages[0]["headers"]), body)


def send_requests(app: Starlette, requests: Iterable[Request]) -> list[Response]:
    """Send one request after the other."""

    async def send_all() -> list[Response]:
        return [await send_request(app, request) for request in requests]

    return asyncio.run(send_all())
