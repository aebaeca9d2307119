"""A server of a few lines whose responses a test writes byte by byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KB = 1024


@contextmanager
def server(
    respond: Callable[[socket.socket], None],
    received: list[bytes] | None = None,
    *,
    peek: bool = False,
) -> Iterator[str]:
    """Run a server that reads each request (with `peek` leaves it unread), then calls `respond`;
    yield its URL."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while request := connection.recv(64 * KB, socket.MSG_PEEK if peek else 0):
                    if received is not None:
                        received.append(request)
                    respond(connection)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def drip(before: bytes) -> Callable[[socket.socket], None]:
    """Send `before` at once and then a byte every 20 ms, for ever."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    return respond


def once(*lines: str, body: bytes = b"") -> Callable[[socket.socket], None]:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *lines, "", ""])

    def respond(connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return respond
