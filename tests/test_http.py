"""Outgoing requests: total deadline, size limit, no redirects, permitted addresses."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bot.http import (
    CONNECTION_LOST,
    FAILURES,
    NOT_SENT,
    TIMEOUTS,
    Client,
    ClientPool,
    Request,
    Response,
    TooLarge,
    deadline,
)
from tests.http_server import KB, drip, once, server
from tests.selfsigned import make_certificate

DEADLINE = 0.3
SOON = 5.0  # or never


@pytest.fixture
def clients() -> Iterator[ClientPool]:
    made = ClientPool("tagline-test")
    yield made
    made.close()


def get(clients: ClientPool, url: str, max_bytes: int = KB) -> Response:
    return clients.get().send(Request("GET", url), max_bytes)


@pytest.mark.parametrize(
    ("respond", "errors"),
    [
        (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), FAILURES),
        (drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"), FAILURES),
        (drip(b"HTTP/1.1 200 OK\r\nX-Header: "), FAILURES),
        (drip(b""), FAILURES),
        (lambda _: time.sleep(60), TIMEOUTS),
    ],
    ids=["body", "chunk", "headers", "first line", "nothing"],
)
def test_a_slow_response_ends_at_the_deadline(
    clients: ClientPool,
    respond: Callable[[socket.socket], None],
    errors: tuple[type[Exception], ...],
) -> None:
    with server(respond) as url:
        started = time.monotonic()
        with deadline(DEADLINE), pytest.raises(errors):
            get(clients, url, max_bytes=10_000_000)
        assert DEADLINE * 0.9 <= time.monotonic() - started < SOON


def test_one_deadline_applies_to_several_calls(clients: ClientPool) -> None:
    def slow(connection: socket.socket) -> None:
        time.sleep(DEADLINE * 0.7)
        once(body=b"x")(connection)

    with server(slow) as url, deadline(DEADLINE):
        started = time.monotonic()
        assert get(clients, url).content == b"x"
        with pytest.raises(FAILURES):
            get(clients, url)
        assert time.monotonic() - started < SOON


def test_after_a_deadline_no_call_starts(clients: ClientPool) -> None:
    calls: list[int] = []
    with server(lambda _: calls.append(1)) as url, deadline(0), pytest.raises(FAILURES):
        get(clients, url)
    assert calls == []


def test_a_deadline_ends_with_its_block(clients: ClientPool) -> None:
    with server(once(body=b"fine")) as url:
        with deadline(0):
            pass
        assert get(clients, url).content == b"fine"


def test_a_deadline_of_one_thread_is_not_that_of_another(clients: ClientPool) -> None:
    found: list[bytes] = []
    with server(once(body=b"fine")) as url, deadline(0):
        other = threading.Thread(target=lambda: found.append(get(clients, url).content))
        other.start()
        other.join(5)
    assert found == [b"fine"]


@pytest.mark.parametrize("size", [0, KB - 1, KB])
def test_a_response_up_to_the_size_limit_is_read(clients: ClientPool, size: int) -> None:
    with server(once(body=b"x" * size)) as url:
        assert len(get(clients, url, KB).content) == size


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"400\r\n" + b"x" * KB + b"\r\n")


@pytest.mark.parametrize(
    "respond",
    [
        once(body=b"x" * (KB + 1)),
        once("Content-Encoding: gzip", body=gzip.compress(b"x" * 50_000_000)),
        once("Content-Encoding: gzip", body=gzip.compress(b"fine") + b"x" * KB),
        endless,
    ],
    ids=["one byte too long", "gzip bomb", "gzip with more behind it", "endless"],
)
def test_a_response_over_the_size_limit_is_dropped(
    clients: ClientPool, respond: Callable[[socket.socket], None]
) -> None:
    with server(respond) as url:
        started = time.monotonic()
        with pytest.raises(TooLarge):
            get(clients, url, KB)
        assert time.monotonic() - started < SOON


def test_a_compressed_response_is_decompressed_once(clients: ClientPool) -> None:
    with server(once("Content-Encoding: gzip", body=gzip.compress(b"fine"))) as url:
        assert get(clients, url).content == b"fine"


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"fine")[:-9]], ids=["not", "half"])
def test_a_response_that_cannot_be_decompressed_is_a_transport_error(
    clients: ClientPool, body: bytes
) -> None:
    respond = once("Content-Encoding: gzip", body=body)
    with server(respond) as url, pytest.raises(FAILURES):
        get(clients, url)


def test_a_response_may_have_headers_in_any_encoding(clients: ClientPool) -> None:
    with server(once("X-Served-By: \xe9", "Retry-After: 7", body=b"fine")) as url:
        answer = get(clients, url)
    assert (answer.content, answer.headers["retry-after"]) == (b"fine", "7")


@pytest.mark.parametrize("times", [1, 2])
def test_a_gzip_bomb_takes_no_memory(clients: ClientPool, times: int) -> None:
    bomb = b"x" * 50_000_000
    for _ in range(times):
        bomb = gzip.compress(bomb)
    with server(once(f"Content-Encoding: {', '.join(['gzip'] * times)}", body=bomb)) as url:
        tracemalloc.start()
        with suppress(TooLarge):
            assert len(get(clients, url, 100 * KB).content) <= 100 * KB
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(clients: ClientPool, status: int) -> None:
    calls: list[int] = []

    def elsewhere(connection: socket.socket) -> None:
        calls.append(1)
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {url}secret\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode())

    with server(elsewhere) as url:
        assert get(clients, url).status == status
    assert calls == [1]


def test_each_thread_has_its_own_client(clients: ClientPool) -> None:
    found: list[Client] = []
    threads = [threading.Thread(target=lambda: found.append(clients.get())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(set(map(id, [*found, clients.get()]))) == 5
    assert clients.get() is clients.get()


def test_closing_ends_the_connections_of_every_thread() -> None:
    clients = ClientPool("tagline-test")
    ended = threading.Semaphore(0)

    def until_it_ends(connection: socket.socket) -> None:
        once(body=b"fine")(connection)
        assert connection.recv(KB) == b""
        ended.release()

    with server(until_it_ends) as url:
        thread = threading.Thread(target=get, args=(clients, url))
        thread.start()
        thread.join(5)
        get(clients, url)
        clients.close()
        assert ended.acquire(timeout=5)
        assert ended.acquire(timeout=5)


def test_a_connection_is_used_again_until_the_other_side_ends_it(clients: ClientPool) -> None:
    seen: list[int] = []

    def respond(connection: socket.socket) -> None:
        seen.append(connection.getpeername()[1])
        once(body=b"fine")(connection)
        if len(seen) == 2:
            connection.close()

    with server(respond) as url:
        for _ in range(4):
            assert get(clients, url).content == b"fine"
            time.sleep(0.05)
    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_after_a_failure_the_next_request_has_a_new_connection(clients: ClientPool) -> None:
    answers = [once(body=b"x" * KB * 10), once("Content-Length: nonsense"), once(body=b"fine")]

    def respond(connection: socket.socket) -> None:
        answers.pop(0)(connection)

    with server(respond) as url:
        with pytest.raises(TooLarge):
            get(clients, url)
        with pytest.raises(CONNECTION_LOST):
            get(clients, url)
        assert get(clients, url).content == b"fine"


def test_a_request_has_the_user_agent(clients: ClientPool) -> None:
    requests: list[bytes] = []
    with server(once(body=b"fine"), requests) as url:
        get(clients, url)
    assert b"user-agent: tagline-test\r\n" in requests[0].lower()


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [("GET", None, None), ("POST", None, "0"), ("POST", b"", "0"), ("PATCH", b"{}", "2")],
)
def test_a_request_has_host_and_content_length(
    clients: ClientPool, method: str, content: bytes | None, length: str | None
) -> None:
    requests: list[bytes] = []
    with server(once(body=b"fine"), requests) as url:
        request = Request(method, f"{url}a b/\xfc?c=%20d", content=content)
        clients.get().send(request, KB)
    first, *lines = requests[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert first == f"{method} /a%20b/%C3%BC?c=%20d HTTP/1.1"
    assert headers["host"] == url.split("/")[2]
    assert headers.get("content-length") == length


def test_over_tls_only_a_trusted_server_gets_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    received: list[bytes] = []

    def respond(plain: socket.socket) -> None:
        with context.wrap_socket(plain.dup(), server_side=True) as connection:
            received.append(connection.recv(KB))
            once(body=b"fine")(connection)

    with server(respond, peek=True) as url:
        secure = url.replace("http:", "https:")
        with closing(ClientPool("tests")) as clients, pytest.raises(NOT_SENT):
            get(clients, secure)
        assert received == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with closing(ClientPool("tests")) as clients:
            assert get(clients, secure).content == b"fine"


def test_a_scheme_may_be_in_capitals(clients: ClientPool) -> None:
    with server(once(body=b"fine")) as url:
        assert get(clients, url.replace("http", "HTTP")).content == b"fine"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http://a..b/",
        "http://b\xfccher.example/",
        f"http://{'a' * 64}.example/",
        "http://192.168.1.300/",
    ],
)
def test_an_invalid_url_is_a_failure_like_others(clients: ClientPool, url: str) -> None:
    with pytest.raises(FAILURES):
        get(clients, url)


def test_a_repeated_header_is_joined(clients: ClientPool) -> None:
    with server(once("X-Part: one", "x-part: two", body=b"fine")) as url:
        assert get(clients, url).headers["x-part"] == "one, two"


@pytest.mark.parametrize(
    ("patched", "instead"),
    [
        ("bot.core.url_policy.METADATA", frozenset({ipaddress.ip_address("127.0.0.1")})),
        ("bot.core.url_policy.is_near", lambda _: False),
    ],
    ids=["a name that leads to a metadata address", "plain http to a public address"],
)
def test_nothing_is_sent_to_an_address_that_is_not_permitted(
    clients: ClientPool, patched: str, instead: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patched, instead)
    received: list[socket.socket] = []
    with server(received.append) as url:
        named = url.replace("127.0.0.1", "localhost")
        with pytest.raises(NOT_SENT) as refusal:
            get(clients, named)
    assert "127.0.0.1" in str(refusal.value)
    assert received == []


def close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def cut_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")
    close(connection)


@pytest.mark.parametrize("end", [close, reset, cut_head])
@pytest.mark.parametrize(
    ("method", "requests"),
    [("GET", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)],
)
def test_only_an_idempotent_request_is_sent_again_if_a_kept_connection_ends(
    clients: ClientPool, method: str, requests: int, end: Callable[[socket.socket], None]
) -> None:
    answered: set[socket.socket] = set()

    def respond(connection: socket.socket) -> None:
        if connection in answered:
            end(connection)
            return
        answered.add(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    received: list[bytes] = []
    with server(respond, received) as url:
        client = clients.get()
        assert client.send(Request("GET", url), KB).content == b"ok"
        if requests == 2:
            assert client.send(Request(method, url), KB).content == b"ok"
        else:
            with pytest.raises(CONNECTION_LOST):
                client.send(Request(method, url), KB)
    sent = [request.split(b" ")[0].decode() for request in received]
    assert sent == ["GET"] + [method] * requests


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_request_on_a_new_connection_is_not_sent_again(clients: ClientPool, method: str) -> None:
    received: list[bytes] = []
    with server(reset, received) as url, pytest.raises(CONNECTION_LOST):
        clients.get().send(Request(method, url), KB)
    assert len(received) == 1
