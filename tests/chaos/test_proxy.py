"""The proxy's modes, seen from both ends of a connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.chaos import proxy as proxies
from tests.chaos.proxy import Proxy

WORDS = b"x" * 512


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """Before a server that says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_echo_all, args=(listening,), daemon=True).start()
        with Proxy("echo", listening.getsockname()[1]).running() as running:
            yield running


def _echo_all(listening: socket.socket) -> None:
    while True:
        try:
            there, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(there,), daemon=True).start()


def _echo(there: socket.socket) -> None:
    with there, suppress(ConnectionError):
        while piece := there.recv(65_536):
            there.sendall(piece)


@pytest.fixture
def line(proxy: Proxy) -> Iterator[socket.socket]:
    """An open connection through the proxy."""
    proxy.switch("pass")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as line:
        assert _said(line) == WORDS
        yield line


def _said(line: socket.socket) -> bytes:
    line.sendall(WORDS)
    heard = b""
    while len(heard) < len(WORDS) and (piece := line.recv(65_536)):
        heard += piece
    return heard


def test_a_cut_line_is_reset_and_the_next_one_too(proxy: Proxy, line: socket.socket) -> None:
    proxy.switch("cut")
    with pytest.raises(ConnectionResetError):
        _said(line)


def test_a_refusing_proxy_drops_what_is_open_and_takes_nobody(
    proxy: Proxy, line: socket.socket
) -> None:
    proxy.switch("refuse")
    with pytest.raises(ConnectionResetError):
        line.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def test_in_a_black_hole_the_line_stays_and_nothing_comes_back(
    proxy: Proxy, line: socket.socket
) -> None:
    proxy.switch("blackhole")
    line.sendall(WORDS)
    line.settimeout(0.05)
    with pytest.raises(TimeoutError):
        line.recv(1)


@pytest.mark.parametrize("mode", ["delay", "throttle"])
def test_a_slow_line_is_late_and_whole(
    proxy: Proxy, line: socket.socket, mode: proxies.Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "DELAY_SECONDS", 0.05)
    proxy.switch(mode)
    started = time.monotonic()
    assert _said(line) == WORDS
    assert time.monotonic() - started >= 0.1
