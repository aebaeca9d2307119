"""Outgoing requests through the proxies that the environment names."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.http import NOT_SENT, TIMEOUTS, ClientPool, UnsupportedProxy, deadline
from tests.http_server import KB, drip, once, server
from tests.selfsigned import make_certificate
from tests.test_http import DEADLINE, SOON, get


def connect_to(certificate: Path, requests: list[bytes]) -> Callable[[socket.socket], None]:
    """An HTTP proxy that answers CONNECT, and then the request itself over TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def respond(plain: socket.socket) -> None:
        plain.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(plain.dup(), server_side=True) as connection:
            while request := connection.recv(KB):
                requests.append(request)
                once(body=b"fine")(connection)

    return respond


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_plain_http_goes_through_the_proxy_of_the_environment(
    environment: pytest.MonkeyPatch, name: str
) -> None:
    requests: list[bytes] = []
    with server(once(body=b"fine"), requests) as url:
        environment.setenv(name, url.replace("//", "//user:secret@"))
        with closing(ClientPool("tests")) as clients:
            for _ in range(2):
                assert get(clients, "http://gitlab.example/api?x=1").content == b"fine"
    assert requests[0].startswith(b"GET http://gitlab.example/api?x=1 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in requests[0]
    assert len(requests) == 2


def test_https_goes_through_a_tunnel_unreadable_by_the_proxy(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    seen: list[bytes] = []
    inside: list[bytes] = []
    with server(connect_to(certificate, inside), seen) as url:
        environment.setenv("HTTPS_PROXY", url.removeprefix("http://"))
        environment.setenv("SSL_CERT_FILE", str(certificate))
        with closing(ClientPool("tests")) as clients:
            for _ in range(2):
                assert get(clients, "https://gitlab.example/secret").content == b"fine"
    assert seen[0].startswith(b"CONNECT gitlab.example:443 HTTP/1.1\r\n")
    assert b"secret" not in b"".join(seen)
    assert [request.split(b" HTTP")[0] for request in inside] == [b"GET /secret"] * 2
    assert len(seen) == 1


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_tunnel_that_the_proxy_refuses_means_that_nothing_was_sent(
    environment: pytest.MonkeyPatch, status: int
) -> None:
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    with server(lambda connection: connection.sendall(answer)) as url:
        environment.setenv("HTTPS_PROXY", url)
        with closing(ClientPool("tests")) as clients:
            for _ in range(3):
                with pytest.raises(NOT_SENT):
                    get(clients, "https://gitlab.example/")


def test_a_slow_proxy_ends_at_the_deadline(environment: pytest.MonkeyPatch) -> None:
    with server(drip(b"HTTP/1.1 200 OK\r\nX-Header: ")) as url:
        environment.setenv("HTTPS_PROXY", url)
        started = time.monotonic()
        with closing(ClientPool("tests")) as clients, deadline(DEADLINE), pytest.raises(TIMEOUTS):
            get(clients, "https://gitlab.example/")
        assert time.monotonic() - started < SOON


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/",
        "http://2852039166/",
        "https://metadata.google.internal/",
        "http://1.1.1.1/",
    ],
)
def test_a_proxy_gets_no_request_to_a_forbidden_address(
    environment: pytest.MonkeyPatch, target: str
) -> None:
    requests: list[bytes] = []
    with server(once(body=b"fine"), requests) as url:
        environment.setenv("ALL_PROXY", url)
        with closing(ClientPool("tests")) as clients, pytest.raises(NOT_SENT):
            get(clients, target)
    assert requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_never_proxied(environment: pytest.MonkeyPatch, host: str) -> None:
    environment.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    environment.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with server(once(body=b"fine")) as url, closing(ClientPool("tests")) as clients:
        assert get(clients, url.replace("127.0.0.1", host)).content == b"fine"


@pytest.mark.parametrize("exempt", ["gitlab.example", ".example", "*", "other, gitlab.example"])
def test_hosts_in_no_proxy_are_connected_to_directly(
    environment: pytest.MonkeyPatch, exempt: str
) -> None:
    requests: list[bytes] = []
    with server(once(body=b"fine"), requests) as url:
        environment.setenv("HTTP_PROXY", url)
        environment.setenv("NO_PROXY", exempt)
        environment.setattr(socket, "getaddrinfo", lambda *_, **__: [])
        with closing(ClientPool("tests")) as clients, pytest.raises(NOT_SENT):
            get(clients, "http://gitlab.example/")
    assert requests == []


@pytest.mark.parametrize("address", ["socks5://u:hidden@127.0.0.1:1", "ftp://127.0.0.1", "://x"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_another_protocol_is_a_clear_error(
    environment: pytest.MonkeyPatch, name: str, address: str
) -> None:
    environment.setenv(name, address)
    with pytest.raises(UnsupportedProxy) as caught:
        ClientPool("tests")
    assert str(caught.value).startswith(f"{name} must be the http:// or https:// address")
    assert "hidden" not in str(caught.value)
