"""Answers that no good server gives: none at all, a cut connection, one byte a second."""

from __future__ import annotations

import asyncio
import socket
import struct
from threading import Event
from time import monotonic
from typing import Any

import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TICK = 0.05


class RawProtocol(H11Protocol):
    """uvicorn's protocol, with the transport handed to the app so that it can cut the line."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class FastStopServer(uvicorn.Server):
    """uvicorn's server without its waits of a tenth of a second, for hundreds of short lives."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        for bound in sockets or []:
            bound.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        until = monotonic() + 1.0
        while self.server_state.connections and monotonic() < until:
            await asyncio.sleep(0.002)


async def client_left(scope: Scope, receive: Receive, within: float) -> bool:
    """Waits until the client has left or the sandbox ends, at most `within` seconds."""
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


class Hang(Response):
    """No answer until the client leaves, `seconds` are over or the sandbox ends."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await client_left(scope, receive, self.seconds)
        await Reset()(scope, receive, send)


class Reset(Response):
    """The connection is cut with a TCP reset before any byte of an answer."""

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        if transport.is_closing():
            return
        at_once = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        transport.abort()
        await client_left(scope, receive, 1.0)


class Drip(Response):
    """A good answer, one byte of the body a second."""

    def __init__(self, good: Response, pause: float = 1.0) -> None:
        super().__init__()
        self.good, self.pause = good, pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self.good.body)
        await send(
            {
                "type": "http.response.start",
                "status": self.good.status_code,
                "headers": self.good.raw_headers,
            }
        )
        for place in range(len(body)):
            byte = body[place : place + 1]
            await send({"type": "http.response.body", "body": byte, "more_body": True})
            if await client_left(scope, receive, self.pause):
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
