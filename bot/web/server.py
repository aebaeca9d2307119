"""The receiver's HTTP server: uvicorn, with limits for slow clients and large heads.

Uvicorn limits neither the time of a head or a body, nor the size of heads and trailers, nor the
number of pipelined requests (https://github.com/encode/uvicorn/issues/157). This module overrides
internals of uvicorn 0.54, so pyproject.toml pins its minor version.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.web.limits import max_connections

REQUEST_SECONDS = 15.0  # for a head; then for a body (ten seconds, see `app.py`) and Redis
LINGER_SECONDS = 5.0  # for the rest of a refused body, so that the sender can read the response
LINGER_BYTES = 32 * 1024 * 1024
MAX_LINGERING = 4  # connections; nothing is read from the others
MAX_HEAD = 64 * 1024
MAX_PIPELINED = 8
CHECK_TICKS = 5  # of uvicorn's 0.1 s


class Connection(HttpToolsProtocol):
    """A connection with limits. If there are too many, the one with the oldest request ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.in_head, self.received = False, 0
        self._restart_timer()
        super().connection_made(transport)
        if len(self.connections) > max_connections():
            min(self.connections, key=attrgetter("since")).transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_head or self.lingers:
            self.received += len(data)
            if self.received > (MAX_HEAD if self.in_head else LINGER_BYTES):
                self.transport.abort()

    def on_message_begin(self) -> None:
        self.in_head, self.received = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(map(len, chain.from_iterable(self.headers)))
        if size > MAX_HEAD or len(self.pipeline) >= MAX_PIPELINED:
            raise ValueError("the head is too long, or there are too many pipelined requests")
        if self.parser.should_upgrade():
            raise ValueError("an upgrade, whose body would be parsed as the next request")
        self.in_head = False
        self._restart_timer()
        super().on_headers_complete()
        self.headers = ()  # type: ignore[assignment]  # it has no append(), so a trailer is an error

    def on_response_complete(self) -> None:
        self.received = 0
        self._restart_timer(lingers=self.cycle.more_body and not self.pipeline)
        super().on_response_complete()
        if self.lingers and sum(map(attrgetter("lingers"), self.connections)) > MAX_LINGERING:
            self.flow.pause_reading()

    def _restart_timer(self, *, lingers: bool = False) -> None:
        self.since, self.lingers = self.loop.time(), lingers


class Server(uvicorn.Server):
    """Serves an application, and twice a second closes connections that exceed their time limit.

    Only of `trusted_proxies` (addresses and networks) is `X-Forwarded-For` read.
    """

    def __init__(
        self, app: Starlette, host: str, port: int, trusted_proxies: Sequence[str] = ()
    ) -> None:
        config = uvicorn.Config(
            app, host, port, http=Connection, ws="none", log_config=None, access_log=False
        )
        config.server_header = False
        config.proxy_headers = bool(trusted_proxies)
        config.forwarded_allow_ips = [*trusted_proxies]
        config.timeout_graceful_shutdown = 10
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of each bad request
        super().__init__(config)

    async def on_tick(self, counter: int) -> bool:
        if counter % CHECK_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for one in [c for c in self.server_state.connections if isinstance(c, Connection)]:
                if now - one.since > (LINGER_SECONDS if one.lingers else REQUEST_SECONDS):
                    one.transport.abort()
        return await super().on_tick(counter)
