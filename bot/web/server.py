"""The receiver's HTTP server: uvicorn, with the limits on slow and greedy clients that it lacks.

By itself it cuts nobody who is slow with a head or a body, and bounds neither the length of a head
or a trailer nor the requests that are sent ahead of their answers (measured with 0.54).
"""

from __future__ import annotations

import asyncio
import logging
import resource
from functools import cache
from operator import attrgetter

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 15.0
REQUEST_SECONDS = 15.0  # the door gives a body ten once it has begun, and Redis two
LINGER_SECONDS = 5.0
LINGER_BYTES = 32 * 1024 * 1024  # a sender slightly over the cap still reads why
MOST_LEAVING = 4  # of whom any more is read; the others find their connection closed
MAX_HEAD = 64 * 1024
MAX_AHEAD = 8
MAX_CONNECTIONS = 1000
SPARE_FILES = 64
WATCH_TICKS = 5  # of uvicorn's 0.1 s

WAITING, ASKED, IDLE, LEAVING = range(4)
SECONDS = {
    WAITING: HEAD_SECONDS,
    ASKED: REQUEST_SECONDS,
    IDLE: HEAD_SECONDS,
    LEAVING: LINGER_SECONDS,
}


class Connection(HttpToolsProtocol):
    """A connection that is bounded in whatever it does.

    Where there are too many, the one is cut that has done the same for longest: an honest delivery
    is over in a moment.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._enter(WAITING)
        self.in_head, self.received, self.coming = False, 0, 0
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            min(self.connections, key=attrgetter("since")).transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.state == IDLE:
            self._enter(WAITING)
        self.coming = len(data)
        super().data_received(data)
        if self.in_head or self.state == LEAVING:
            self.received += len(data)
            if self.received > (MAX_HEAD if self.in_head else LINGER_BYTES):
                self.transport.abort()

    def on_message_begin(self) -> None:
        self.in_head, self.received = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        may_be_long = self.received + self.coming > MAX_HEAD
        if (may_be_long and self._head() > MAX_HEAD) or len(self.pipeline) >= MAX_AHEAD:
            raise ValueError("too long a head, or too many requests ahead of their answers")
        if self.parser.should_upgrade():  # its body would be taken for the next request
            raise ValueError("an upgrade")
        self.in_head = False
        self._enter(ASKED)
        super().on_headers_complete()
        self.headers = _NoTrailers()

    def on_response_complete(self) -> None:
        left_over = self.cycle.more_body and not self.pipeline
        self.received = 0
        self._enter(ASKED if self.pipeline else LEAVING if left_over else IDLE)
        super().on_response_complete()
        if left_over and self._leaving() > MOST_LEAVING:
            self.flow.pause_reading()

    def cut_if_overdue(self, now: float) -> None:
        if now - self.since > SECONDS[self.state]:
            self.transport.abort()

    def _head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _leaving(self) -> int:
        return sum(getattr(one, "state", None) == LEAVING for one in self.connections)

    def _enter(self, state: int) -> None:
        self.state, self.since = state, self.loop.time()


class _NoTrailers(list[tuple[bytes, bytes]]):
    """Where headers after a body would go: nothing needs them, and nothing bounds them."""

    def append(self, _header: tuple[bytes, bytes]) -> None:
        raise ValueError("a trailer")


class Server(uvicorn.Server):
    """Serves an application; twice a second it cuts the connections whose time is over."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of each bad request
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=Connection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
        )
        super().__init__(config)

    async def on_tick(self, counter: int) -> bool:
        if counter % WATCH_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.cut_if_overdue(now)
        return await super().on_tick(counter)


@cache
def most_connections() -> int:
    """How many connections may be open at once, by the files that this process may open."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(MAX_CONNECTIONS, allowed - SPARE_FILES))
