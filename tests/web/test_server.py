"""The receiver's server over real connections: it closes those of slow and greedy clients."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Iterator

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bot.web import server
from tests.attack.flood import FORGED
from tests.attack.mutate import attack
from tests.attack.receiver import BODY, RawResponse, delivery, head, read_response, send
from tests.serving import served
from tests.web.client import LocalReceiver, sign

LIMIT_SECONDS = 0.3
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SCHEMA = b"GET /schema/v1.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


OVERRIDDEN = {
    "connection_made": "(self, transport: 'asyncio.Transport') -> 'None'",
    "data_received": "(self, data: 'bytes') -> 'None'",
    "on_message_begin": "(self) -> 'None'",
    "on_headers_complete": "(self) -> 'None'",
    "on_response_complete": "(self) -> 'None'",
}
USED = ("transport", "connections", "url", "headers", "pipeline", "parser", "cycle", "flow", "loop")


def test_uvicorn_has_the_internals_that_the_server_overrides_and_uses() -> None:
    """Where this fails, read the new version and adapt `bot/web/server.py` before the pin."""
    found = {name: str(inspect.signature(getattr(HttpToolsProtocol, name))) for name in OVERRIDDEN}
    assert found == OVERRIDDEN
    assert str(inspect.signature(uvicorn.Server.on_tick)) == "(self, counter: 'int') -> 'bool'"
    loop = asyncio.new_event_loop()
    config = uvicorn.Config(LocalReceiver().app, log_config=None)
    connection = HttpToolsProtocol(config, ServerState(), {}, loop)
    loop.close()
    connection.on_message_begin()
    assert [name for name in USED if not hasattr(connection, name)] == []
    assert connection.headers == []
    assert connection.headers is connection.scope["headers"], "trailers are added to this list"
    assert connection.connections is connection.server_state.connections
    assert "more_body" in RequestResponseCycle.__init__.__code__.co_names
    for setting in ("server_header", "proxy_headers", "timeout_graceful_shutdown"):
        assert hasattr(config, setting)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve the receiver on a loopback port, with short time limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "REQUEST_SECONDS", LIMIT_SECONDS)
        patch.setattr(server, "LINGER_SECONDS", LIMIT_SECONDS)
        patch.setattr(server, "CHECK_TICKS", 1)
        patch.setattr(server, "max_connections", lambda: 40)
        with served(LocalReceiver().app) as url:
            yield int(url.rpartition(":")[2])


async def cut_after(port: int, first: bytes, drip: bytes = b"") -> float:
    """Return the seconds until a connection ends that sends `first` at once, then `drip` slowly."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.monotonic()
    try:
        async with asyncio.timeout(10):
            writer.write(first)
            for byte in drip:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.1)
                if reader.at_eof() or writer.is_closing():
                    break
            while await reader.read(65_536):
                pass
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return time.monotonic() - started


SLOW = {
    "nothing": (b"", b""),
    "blank lines": (b"", b"\r\n" * 100),
    "half a request line": (b"POST /web", b""),
    "half a head": (head(100)[:60], b""),
    "a head that drips": (b"", head(100)),
    "half a body": (head(1000, FORGED) + b"x", b""),
    "a body that drips": (head(1000, FORGED), b"x" * 100),
    "half a chunk": (head(None, FORGED, Transfer_Encoding="chunked") + b"ff\r\nx", b""),
    "a body that is not wanted": (head(1000) + b"x", b""),
    "a body for a page": (HEALTH.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n"), b""),
    "no second request": (HEALTH, b""),
    "blank lines after a request": (HEALTH, b"\r\n" * 100),
    "half a second request": (HEALTH + b"GET /", b""),
}


def test_a_connection_of_a_slow_client_is_closed(port: int) -> None:
    async def all_at_once() -> dict[str, float]:
        times = await asyncio.gather(*(cut_after(port, *how) for how in SLOW.values()))
        return dict(zip(SLOW, times, strict=True))

    late = {how: seconds for how, seconds in asyncio.run(all_at_once()).items() if seconds > 5.5}
    assert late == {}  # uvicorn's own 5 s for a connection kept alive are among them


def status(port: int, raw: bytes) -> int:
    return asyncio.run(send(port, raw)).status


def test_a_head_over_64_kilobytes_is_refused(port: int) -> None:
    assert status(port, HEALTH.replace(b"Host", b"X: " + b"x" * 60_000 + b"\r\nHost")) == 200
    for long in (b"X: " + b"x" * 70_000 + b"\r\nHost", b"X: y\r\n" * 40_000 + b"Host"):
        assert status(port, HEALTH.replace(b"Host", long)) in (0, 400)
    assert status(port, b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n") in (
        0,
        400,
    )


def test_a_head_without_end_is_cut_long_before_its_time_limit(port: int) -> None:
    async def endless() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = 0
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        while not reader.at_eof() and sent < 100_000_000:
            try:
                writer.write(b"x" * 65_536)
                await writer.drain()
            except ConnectionError:
                break
            sent += 65_536
        writer.transport.abort()
        return sent

    assert asyncio.run(endless()) < 20_000_000  # what the system buffers


def test_a_trailer_is_refused(port: int) -> None:
    body = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n"
    top = head(None, sign(BODY), Transfer_Encoding="chunked")
    assert status(port, top + body + b"\r\n") == 202
    assert status(port, top + body + b"X-More: yes\r\n" * 100 + b"\r\n") == 400


def test_a_few_pipelined_requests_are_answered_and_thousands_are_not(port: int) -> None:
    async def ahead(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(SCHEMA * number)
        text = b""
        try:
            async with asyncio.timeout(2):
                while more := await reader.read(1_000_000):
                    text += more
        except (TimeoutError, ConnectionError):
            pass
        writer.transport.abort()
        return text.count(b"HTTP/1.1 200")

    assert asyncio.run(ahead(5)) == 5
    assert asyncio.run(ahead(5000)) <= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (head(5_000_000_000, FORGED), {413}),
        (head(26_214_401, FORGED), {413}),
        (head(25_000_000), {401}),
        (head(10, FORGED, Transfer_Encoding="chunked"), {400}),
        (head(10, FORGED, Content_Length="20"), {400}),
        (head(None, FORGED, Content_Length="-1"), {400}),
        (head(None, FORGED, Content_Length="1e3"), {400}),
        (head(10, FORGED, Content_Encoding="gzip"), {415}),
        (head(10, FORGED, Transfer_Encoding="gzip, chunked"), {400, 413}),
        (head(None, FORGED, Transfer_Encoding="chunked, gzip"), {400, 413}),
        (head(10, FORGED, Expect="100-continue"), {100}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        (b"GET http://localhost/healthz HTTP/1.1\r\nHost: x\r\n\r\n", {200}),
        (b"GET /webhooks/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
        (b"GET /%2e%2e/%00 HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
        (b"CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405}),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405}),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", {400, 404}),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            {400},
        ),
    ],
    ids=range(23),
)
def test_invalid_requests_are_answered_early_and_reveal_nothing(
    port: int, raw: bytes, statuses: set[int]
) -> None:
    async def one() -> tuple[RawResponse, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        async with asyncio.timeout(5):
            response, rest = await read_response(reader), b""
            if response.status != 100:
                rest = await reader.read(1000)
        writer.transport.abort()
        return response, rest

    response, rest = asyncio.run(one())
    assert response.status in statuses
    assert not any(word in f"{response.head}{rest!r}".lower() for word in REVEALING)


REVEALING = ("uvicorn", "starlette", "python", "traceback", "tagline/", "server:", ".py")


@pytest.mark.parametrize("to", ["websocket", "h2c", "anything"])
def test_the_body_of_a_request_for_an_upgrade_is_not_a_second_request(port: int, to: str) -> None:
    async def two() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(len(HEALTH), FORGED, Connection="Upgrade", Upgrade=to))
        text = b""
        try:
            async with asyncio.timeout(1):
                text = await reader.readuntil(b"\r\n\r\n")
                writer.write(HEALTH)
                text += await reader.read()
        except (TimeoutError, ConnectionError):
            pass
        writer.transport.abort()
        return text

    assert asyncio.run(two()).count(b"HTTP/1.1") == 1


def test_idle_connections_do_not_block_deliveries(port: int) -> None:
    async def send_all() -> list[RawResponse]:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        answers = [await send(port, raw, 2) for raw in (HEALTH, delivery()) * 3]
        for _, writer in idle:
            writer.transport.abort()
        return answers

    assert {response.status for response in asyncio.run(send_all())} == {200, 202}


@pytest.mark.slow
def test_changed_requests_cause_no_failure_and_no_unsigned_job(port: int) -> None:
    found, unsigned = asyncio.run(attack(port, 300, seed=2))
    assert [status for status in found if status >= 500] == []
    assert unsigned == []
    assert found[400] > 30
