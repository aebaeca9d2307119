"""Serves an ASGI app over HTTP from a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette

from bot.web.server import Server
from tests.conftest import free_port


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """Serve an app on a loopback port; yield its URL."""
    port = free_port()
    server = Server(app, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
