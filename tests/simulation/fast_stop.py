"""A web server that stops at once."""

from __future__ import annotations

import asyncio
import socket
from time import monotonic

import uvicorn


class FastStopServer(uvicorn.Server):
    """uvicorn's server without its waits of 0.1 s: tests start hundreds of servers."""

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
