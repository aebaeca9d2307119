"""Run a web server in a thread of this process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep

import uvicorn

START_SECONDS = 10.0


@contextmanager
def serving(
    server: uvicorn.Server,
    listener: socket.socket,
    name: str,
    on_end: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Run the server on a bound socket. Raises RuntimeError where it does not start."""
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True)
    thread.start()
    try:
        end = monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or monotonic() > end:
                raise RuntimeError(f"the {name} did not start")
            sleep(0.005)
        yield
    finally:
        on_end()
        server.should_exit = True
        thread.join()
