"""Serves an ASGI app over HTTP from a thread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette

from bot.sandbox.serving import serving
from bot.web.server import Server


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """Serve an app on a loopback port; yield its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with serving(Server(app, "127.0.0.1", port), listener, "receiver"):
        yield f"http://127.0.0.1:{port}"
