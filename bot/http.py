"""All calls to others, over httpcore: time limits, a total deadline, no redirects, no proxies.

httpcore is what httpx sends with. httpx itself would take twice the time for a request: it looks
for cookies, redirects and proxies, reads each address again and wraps each header.
"""

from __future__ import annotations

import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpcore

from bot import footprint
from bot.core import url_policy

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
KEEPALIVE_SECONDS = 60.0
BODILESS = ("GET", "DELETE")  # others say that they have none
PIECE = 65_536
PRINTABLE = "!#$%&'()*+,/:;=?@[]~"  # in a target; what is encoded already stays as it is


class TooLarge(Exception):
    """The answer was longer than its reader allows."""


# Why there is no answer: nothing was sent; it took too long; the connection broke; any of them.
NOT_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout)
TIMEOUTS = httpcore.TimeoutException
CONNECTION_LOST = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)
FAILURES = (
    *(TIMEOUTS, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol),
    TooLarge,
)

_local = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[float]:
    """Bound everything this thread's clients do inside, however slowly bytes drip in.

    Gives the moment of the monotonic clock at which it ends; inside another the sooner one counts.
    """
    outer: tuple[float, ...] = getattr(_local, "ends", ())
    _local.ends = (*outer, time.monotonic() + seconds)
    try:
        yield min(_local.ends)
    finally:
        _local.ends = outer


def _postpone(seconds: float) -> None:
    """Move the innermost deadline; those around it hold."""
    ends: tuple[float, ...] = getattr(_local, "ends", ())
    if ends:
        _local.ends = (*ends[:-1], ends[-1] + seconds)


def seconds_left() -> float | None:
    """Until this thread's deadline, at least 0; None without one."""
    ends: tuple[float, ...] = getattr(_local, "ends", ())
    return max(0.0, min(ends) - time.monotonic()) if ends else None


def _capped(timeout: float | None) -> float | None:
    ends: tuple[float, ...] = getattr(_local, "ends", ())
    if not ends:
        return timeout
    left = min(ends) - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("total deadline passed")
    return left if timeout is None else min(timeout, left)


class _DeadlineStream(httpcore.NetworkStream):
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
        return _DeadlineStream(
            self._stream.start_tls(ssl_context, server_hostname, _capped(timeout))
        )

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
        try:
            stream = super().connect_tcp(
                host, port, _capped(timeout), local_address, socket_options
            )
        except UnicodeError:
            raise httpcore.ConnectError("not the name of a host") from None
        peer = str(stream.get_extra_info("server_addr")[0])
        if url_policy.is_forbidden(peer):  # whatever its name promised
            stream.close()
            raise httpcore.ConnectError(f"{peer} is link-local or a metadata address")
        return _DeadlineStream(stream, "" if url_policy.is_near(peer) else peer)


@dataclass(slots=True)
class Request:
    """What is asked. `seconds` bound each wait for the next bytes of its answer."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. `headers` have names in lower case; one that came twice is joined."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Unpacker(Protocol):
    """What `zlib.decompressobj` gives."""

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Transport(Protocol):
    """Takes requests to servers. Raises `FAILURES`."""

    def handle_request(self, request: httpcore.Request) -> httpcore.Response: ...

    def close(self) -> None: ...


class _Connections:
    """One kept connection to each server: a thread has one request at a time, so httpcore's pool
    would only keep books (https://github.com/encode/httpcore/issues/1035)."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._kept: dict[tuple[bytes, bytes, int | None], httpcore.HTTPConnection] = {}

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        url = request.url
        server = url.scheme, url.host, url.port
        kept = self._kept.pop(server, None)
        if kept and kept.is_available() and not kept.has_expired():
            self._kept[server] = kept
            try:
                return kept.handle_request(request)
            except CONNECTION_LOST:
                # The server may have ended the connection since its last answer.
                if request.method != b"GET":
                    raise
        if kept:
            kept.close()
        self._kept[server] = new = httpcore.HTTPConnection(
            url.origin,
            ssl_context=self._context,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=_Backend(),
        )
        return new.handle_request(request)

    def close(self) -> None:
        for kept in list(self._kept.values()):
            kept.close()


class Client:
    """How one thread asks others."""

    def __init__(
        self, carrier: Transport, user_agent: str = "", seconds: float = READ_SECONDS
    ) -> None:
        self._carrier = carrier
        self._headers = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": user_agent}
        self._seconds = seconds

    def build_request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        seconds: float | None = None,
    ) -> Request:
        own = {name.lower(): value for name, value in (headers or {}).items()}
        if content is not None or method not in BODILESS:
            own["content-length"] = str(len(content or b""))
        every = self._headers | own
        return Request(method, url, every, content or b"", seconds or self._seconds)

    def send(self, request: Request, max_bytes: int, *, cut: bool = False) -> Response:
        """Send a request and read at most `max_bytes` of the decoded answer. Raises one of
        `FAILURES`, also for a longer answer unless it may be `cut`."""
        url, host = _located(request.url)
        headers = [(b"host", host)]
        headers += [(k.encode(), v.encode()) for k, v in request.headers.items()]
        wait = request.seconds
        limits = {"connect": CONNECT_SECONDS, "read": wait, "write": wait}
        response = self._carrier.handle_request(
            httpcore.Request(
                request.method,
                url,
                headers=headers,
                content=request.content,
                extensions={"timeout": limits},
            )
        )
        try:
            found = _joined(response.headers)
            is_packed = found.pop("content-encoding", "").lower() == "gzip"
            is_write = request.method != "GET"
            if not cut and _length(found) > footprint.LARGE:
                _await_permit(is_write=is_write)
            body = _read(response, max_bytes, is_packed=is_packed, is_write=is_write, cut=cut)
            return Response(response.status, found, body)
        except zlib.error as error:
            raise httpcore.ReadError(str(error)) from error
        finally:
            response.close()

    def close(self) -> None:
        self._carrier.close()


class ClientPool:
    """One `Client` per thread over one TLS context; never follows a redirect."""

    def __init__(self, user_agent: str, read_seconds: float = READ_SECONDS) -> None:
        self._context = httpcore.default_ssl_context()
        self._user_agent = user_agent
        self._read_seconds = read_seconds
        self._local = threading.local()
        self._made: list[Client] = []

    def get(self) -> Client:
        """This thread's client."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            connections = _Connections(self._context)
            client = Client(connections, self._user_agent, self._read_seconds)
            self._local.client = client
            self._made.append(client)
        return client

    def close(self) -> None:
        """Close every thread's connections, once the threads have ended."""
        while self._made:
            self._made.pop().close()


def _located(url: str) -> tuple[httpcore.URL, bytes]:
    """An address in httpcore's parts, and what its Host header says."""
    scheme, _, rest = url.partition("://")
    if (scheme := scheme.lower()) not in ("http", "https"):
        raise httpcore.UnsupportedProtocol("neither http nor https")
    authority, _, target = rest.partition("/")
    host, port, header = _place(authority)
    path = quote(f"/{target}", safe=PRINTABLE).encode()
    return httpcore.URL(scheme=scheme.encode(), host=host, port=port, target=path), header


@lru_cache(maxsize=64)
def _place(authority: str) -> tuple[bytes, int | None, bytes]:
    """A server's host, its port, and both as its Host header has them."""
    split = urlsplit(f"//{authority}")
    name = split.hostname or ""
    if not name.isascii():
        raise httpcore.ConnectError("not the name of a host")
    host = name.encode()
    named = b"[%b]" % host if b":" in host else host
    return host, split.port, named if split.port is None else b"%b:%d" % (named, split.port)


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _length(headers: Mapping[str, str]) -> int:
    """Bytes that an answer says it has, 0 where it does not say."""
    said = headers.get("content-length", "")
    return int(said) if said.isdecimal() else 0


def _await_permit(*, is_write: bool) -> None:
    """The time for it does not count: what is late is this process, not the server."""
    begun = time.monotonic()
    footprint.await_permit(footprint.WRITE_WAIT_SECONDS if is_write else footprint.WAIT_SECONDS)
    _postpone(time.monotonic() - begun)


def _read(
    response: httpcore.Response, max_bytes: int, *, is_packed: bool, is_write: bool, cut: bool
) -> bytes:
    """As little is unpacked as may be kept, and once only, however often it is packed."""
    packed = zlib.decompressobj(zlib.MAX_WBITS + 16) if is_packed else None
    body, taken = bytearray(), 0
    assert isinstance(response.stream, Iterable)
    for chunk in response.stream:
        taken += len(chunk)
        for piece in _unpacked(chunk, packed) if packed else (chunk,):
            body += piece
            if max(taken, len(body)) > max_bytes:
                if cut:
                    return bytes(body[:max_bytes])
                raise TooLarge(f"more than {max_bytes} bytes")
            if len(body) > footprint.LARGE:
                _await_permit(is_write=is_write)
    if packed and taken and not packed.eof:
        raise httpcore.ReadError("it ends in the middle")
    return bytes(body)


def _unpacked(chunk: bytes, packed: Unpacker) -> Iterator[bytes]:
    """A few bytes may unpack to very many: these come in pieces."""
    while chunk:
        yield packed.decompress(chunk, PIECE)
        chunk = packed.unconsumed_tail
