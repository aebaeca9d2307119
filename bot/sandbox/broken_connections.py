"""Broken answers: a cut connection, one byte a second."""

from __future__ import annotations

import asyncio
import socket
import struct
from threading import Event
from time import monotonic
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TICK = 0.05


class RawProtocol(H11Protocol):
    """uvicorn's protocol, with the transport in the app's state, which can cut the connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def client_left(scope: Scope, receive: Receive, within: float) -> bool:
    """Wait at most `within` seconds; return whether the client left or the sandbox ends."""
    ending: Event = scope["state"]["ending"]
    until = monotonic() + within
    while (left := until - monotonic()) > 0 and not ending.is_set():
        try:
            async with asyncio.timeout(min(TICK, left)):
                if (await receive())["type"] == "http.disconnect":
                    return True
        except TimeoutError:
            continue
    return ending.is_set()


class Reset(Response):
    """A TCP reset before any byte of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        if transport.is_closing():
            return
        no_linger = struct.pack("ii", 1, 0)
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        transport.abort()
        await client_left(scope, receive, 1.0)


class Drip(Response):
    """A correct answer, one byte of the body a second."""

    def __init__(self, answer: Response, pause: float = 1.0) -> None:
        super().__init__()
        self.answer, self.pause = answer, pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self.answer.body)
        await send(
            {
                "type": "http.response.start",
                "status": self.answer.status_code,
                "headers": self.answer.raw_headers,
            }
        )
        for i in range(len(body)):
            byte = body[i : i + 1]
            await send({"type": "http.response.body", "body": byte, "more_body": True})
            if await client_left(scope, receive, self.pause):
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
