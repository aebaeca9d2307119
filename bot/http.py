"""All calls to others, over httpx's transport: time limits, a total deadline, no redirects."""

from __future__ import annotations

import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from bot.core import addresses

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
KEEPALIVE_SECONDS = 60.0
CONNECTIONS_PER_THREAD = 4

_local = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[float]:
    """Bound everything this thread's clients do inside, however slowly bytes drip in.

    Gives the moment of the monotonic clock at which it ends; inside another the sooner one counts.
    """
    outer: float | None = getattr(_local, "until", None)
    until = time.monotonic() + seconds
    _local.until = until = until if outer is None else min(until, outer)
    try:
        yield until
    finally:
        _local.until = outer


def _capped(timeout: float | None) -> float | None:
    until: float | None = getattr(_local, "until", None)
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("total deadline passed")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write also ends at the thread's deadline.

    `clear_to` is the far address to which nothing may be said before TLS.
    """

    def __init__(self, stream: httpcore.NetworkStream, clear_to: str = "") -> None:
        self._stream = stream
        self._clear_to = clear_to

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _capped(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._clear_to:
            raise httpcore.ConnectError(f"plain http to {self._clear_to}: use https")
        self._stream.write(buffer, _capped(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _capped(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(host, port, _capped(timeout), local_address, socket_options)
        peer = str(stream.get_extra_info("server_addr")[0])
        if addresses.is_forbidden(peer):  # whatever its name promised
            stream.close()
            raise httpcore.ConnectError(f"{peer} is link-local or a metadata address")
        return _Stream(stream, "" if addresses.is_near(peer) else peer)


class _Transport(httpx.HTTPTransport):
    """httpx's own transport over a pool that knows the deadline."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS_PER_THREAD,
            max_keepalive_connections=CONNECTIONS_PER_THREAD,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=_Backend(),
        )


_address = lru_cache(maxsize=1024)(httpx.URL)  # a job asks for the same ones again


class Client:
    """One thread's connections. httpx's own client takes twice the time for a request: it looks for
    cookies, redirects and proxies, and reads each address again."""

    def __init__(
        self, transport: httpx.BaseTransport, user_agent: str = "", timeout: float = READ_SECONDS
    ) -> None:
        self._transport = transport
        self._headers = {
            "accept": "*/*",
            "accept-encoding": "gzip",
            "connection": "keep-alive",
            "user-agent": user_agent,
        }
        self._timeout = timeout

    def build_request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **content: Any,
    ) -> httpx.Request:
        """A request of `httpx.Request`'s own arguments; `timeout` is in seconds."""
        limits = httpx.Timeout(timeout or self._timeout, connect=CONNECT_SECONDS).as_dict()
        own = {name.lower(): value for name, value in (headers or {}).items()}
        return httpx.Request(
            method,
            _address(url),
            headers=self._headers | own,
            extensions={"timeout": limits},
            **content,
        )

    def send(self, request: httpx.Request) -> httpx.Response:
        """The answer, of which only the head was read. Raises `httpx.TransportError`."""
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


class Clients:
    """One `Client` per thread over one TLS context; never follows a redirect.

    A client shared by many threads spends its time in the pool's bookkeeping
    (https://github.com/encode/httpcore/issues/1035).
    """

    def __init__(self, user_agent: str, read_seconds: float = READ_SECONDS) -> None:
        self._context = httpx.create_ssl_context()
        self._user_agent = user_agent
        self._read_seconds = read_seconds
        self._local = threading.local()
        self._made: list[Client] = []

    def get(self) -> Client:
        """This thread's client."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            transport = _Transport(self._context)
            client = Client(transport, self._user_agent, self._read_seconds)
            self._local.client = client
            self._made.append(client)
        return client

    def close(self) -> None:
        """Close every thread's connections, once the threads have ended."""
        while self._made:
            self._made.pop().close()


class TooLarge(httpx.TransportError):
    """The answer was longer than its reader allows."""


def send(client: Client, request: httpx.Request, max_bytes: int) -> httpx.Response:
    """Send a request and read at most `max_bytes` of the decoded answer.

    Raises `httpx.TransportError`, of which `TooLarge` is one.
    """
    response = client.send(request)
    try:
        body = _read(response, max_bytes)
    except zlib.error as error:
        raise httpx.ReadError(str(error), request=request) from error
    finally:
        response.close()
    headers = [(k, v) for k, v in response.headers.raw if k.lower() != b"content-encoding"]
    return httpx.Response(response.status_code, headers=headers, content=body)


def _read(response: httpx.Response, max_bytes: int) -> bytes:
    """httpx would unpack whatever has arrived, as often as it is packed, before it gives a byte."""
    is_packed = response.headers.get("content-encoding", "").lower() == "gzip"
    packed = zlib.decompressobj(zlib.MAX_WBITS + 16) if is_packed else None
    body, taken = bytearray(), 0
    assert isinstance(response.stream, httpx.SyncByteStream)
    for chunk in response.stream:
        taken += len(chunk)
        room = max_bytes + 1 - len(body)
        body += packed.decompress(chunk, room) if packed else chunk
        if max(taken, len(body)) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes")
    if packed and taken and not packed.eof:
        raise httpx.ReadError("it ends in the middle")
    return bytes(body)
