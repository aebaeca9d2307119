"""Serves an ASGI app over HTTP from a thread."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from starlette.applications import Starlette

from bot.sandbox.serving import serving
from bot.web.server import Server


@contextmanager
def served(app: Starlette, trusted_proxies: Sequence[str] = ()) -> Iterator[str]:
    """Serve an app on a loopback port; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with serving(Server(app, host, port, trusted_proxies), listener, "receiver"):
            yield f"http://{host}:{port}"
