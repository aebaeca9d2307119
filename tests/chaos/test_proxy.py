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

DATA = b"x" * 512


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """A proxy before an echo server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_echo_all, args=(listening,), daemon=True).start()
        with Proxy("echo", listening.getsockname()[1]).running() as running:
            yield running


def _echo_all(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection, suppress(ConnectionError):
        while chunk := connection.recv(65_536):
            connection.sendall(chunk)


@pytest.fixture
def connection(proxy: Proxy) -> Iterator[socket.socket]:
    """An open connection through the proxy."""
    proxy.switch("pass")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
        assert _echoed(connection) == DATA
        yield connection


def _echoed(connection: socket.socket) -> bytes:
    connection.sendall(DATA)
    received = b""
    while len(received) < len(DATA) and (chunk := connection.recv(65_536)):
        received += chunk
    return received


def test_in_cut_mode_a_connection_is_reset(proxy: Proxy, connection: socket.socket) -> None:
    proxy.switch("cut")
    with pytest.raises(ConnectionResetError):
        _echoed(connection)


def test_in_refuse_mode_connections_are_reset_and_new_ones_refused(
    proxy: Proxy, connection: socket.socket
) -> None:
    proxy.switch("refuse")
    with pytest.raises(ConnectionResetError):
        connection.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def test_in_blackhole_mode_a_connection_stays_open_without_data(
    proxy: Proxy, connection: socket.socket
) -> None:
    proxy.switch("blackhole")
    connection.sendall(DATA)
    connection.settimeout(0.05)
    with pytest.raises(TimeoutError):
        connection.recv(1)


@pytest.mark.parametrize("mode", ["delay", "throttle"])
def test_in_slow_modes_data_arrives_late_and_complete(
    proxy: Proxy, connection: socket.socket, mode: proxies.Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "DELAY_SECONDS", 0.05)
    proxy.switch(mode)
    started = time.monotonic()
    assert _echoed(connection) == DATA
    assert time.monotonic() - started >= 0.1
