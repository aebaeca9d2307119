"""Every outgoing request: time limits, size limit, no redirects; connections in `bot.transport`.

Requests, responses and errors are httpx's. A client calls its transport directly:
`httpx.Client.send` adds a quarter to the CPU time of a request, for cookies, credentials and
redirects, which Tagline does not use.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import httpx

from bot import footprint
from bot.transport import (
    Transport,
    UnsupportedProxy,
    create_ssl_context,
    deadline,
    environment_proxies,
    extend_deadline,
    seconds_left,
)

__all__ = [
    "CONNECTION_LOST",
    "FAILURES",
    "NOT_SENT",
    "TIMEOUTS",
    "Client",
    "ClientPool",
    "Request",
    "Response",
    "TooLarge",
    "UnsupportedProxy",
    "deadline",
    "seconds_left",
]

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
UNPACKED_BYTES = 65_536
_parse_url = lru_cache(maxsize=1024)(httpx.URL)  # a job sends several requests to most URLs


class TooLarge(Exception):
    """The response is longer than its caller allows."""


# Reasons for a missing response: nothing was sent; a time limit; a broken connection; any of them.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.InvalidURL)
TIMEOUTS = httpx.TimeoutException
CONNECTION_LOST = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
FAILURES = (httpx.TransportError, httpx.InvalidURL, TooLarge)


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `seconds` limit each wait for the next bytes of the response."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    seconds: float = READ_SECONDS


@dataclass(frozen=True, slots=True)
class Response:
    """A response with its decoded content. The names of `headers` are found in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Client:
    """Sends the requests of one thread."""

    def __init__(
        self,
        transport: httpx.BaseTransport,
        user_agent: str = "",
        report_rate: Callable[[str, float, float], object] = lambda *_: None,
    ) -> None:
        self.report_rate = report_rate
        self._transport = transport
        self._headers = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": user_agent}

    def send(self, request: Request, max_bytes: int, *, truncate: bool = False) -> Response:
        """Send a request and return its response with at most `max_bytes` of decoded content.

        Raises one of `FAILURES`, also for more content unless `truncate` is set.
        """
        wait = request.seconds
        sent = httpx.Request(
            request.method,
            _parse_url(request.url),
            headers=self._headers | {name.lower(): v for name, v in request.headers.items()},
            content=request.content,
            extensions={"timeout": {"connect": CONNECT_SECONDS, "read": wait, "write": wait}},
        )
        response = self._transport.handle_request(sent)
        response.headers.encoding = "latin-1"  # else httpx tries all headers in three encodings
        try:
            content = _read(response, request.method, max_bytes, truncate=truncate)
        except zlib.error as error:
            raise httpx.ReadError(str(error)) from None
        finally:
            response.close()
        return Response(response.status_code, response.headers, content)

    def close(self) -> None:
        self._transport.close()


class ClientPool:
    """One `Client` per thread over one TLS context. Raises `UnsupportedProxy`.

    `report_rate` may be set before the first call: it gets what a forge says of its rate limit: the
    forge's name, the share that is left, and when the limit ends.
    """

    def __init__(self, user_agent: str) -> None:
        self.report_rate: Callable[[str, float, float], object] = lambda *_: None
        self._context = create_ssl_context()
        self._proxies = environment_proxies()
        self._user_agent = user_agent
        self._local = threading.local()
        self._clients: list[Client] = []

    def get(self) -> Client:
        """Return this thread's client."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            transport = Transport(self._context, self._proxies)
            client = Client(transport, self._user_agent, self.report_rate)
            self._local.client = client
            self._clients.append(client)
        return client

    def describe_proxies(self) -> list[str]:
        """Return a sentence for each proxy, without its credentials."""
        used = (
            f"{scheme} requests go through the proxy {proxy.url.scheme}://{proxy.url.netloc.decode()},"
            " except to this host and those of NO_PROXY"
            for scheme, proxy in self._proxies.items()
        )
        return [*used] or ["no proxy is used: HTTPS_PROXY and HTTP_PROXY are not set"]

    def close(self) -> None:
        """Close every thread's connections, once the threads have ended."""
        while self._clients:
            self._clients.pop().close()


def _read(response: httpx.Response, method: str, max_bytes: int, *, truncate: bool) -> bytes:
    length = response.headers.get("content-length", "")
    if not truncate and length.isdecimal() and int(length) > footprint.LARGE:
        _await_permit(method)
    content = bytearray()
    for part, received in _parts(response):
        content += part
        if max(len(content), received) > max_bytes:
            if truncate:
                return bytes(content[:max_bytes])
            raise TooLarge(f"more than {max_bytes} bytes")
        if len(content) > footprint.LARGE:
            _await_permit(method)
    return bytes(content)


def _parts(response: httpx.Response) -> Iterator[tuple[bytes, int]]:
    """Yield the decoded content in parts, each with the number of bytes received until then.

    httpx would unpack each chunk as a whole: a few bytes may expand a thousandfold.
    """
    assert isinstance(response.stream, httpx.SyncByteStream)
    is_packed = response.headers.get("content-encoding", "").lower() == "gzip"
    gzip = zlib.decompressobj(zlib.MAX_WBITS + 16) if is_packed else None
    received = 0
    for packed in response.stream:
        received += len(packed)
        if gzip is None:
            yield packed, received
            continue
        rest = packed
        while rest:
            yield gzip.decompress(rest, UNPACKED_BYTES), received
            rest = gzip.unconsumed_tail
    if gzip and received and not gzip.eof:
        raise httpx.ReadError("the compressed response is incomplete")


def _await_permit(method: str) -> None:
    """Wait for a permit. The deadline moves: the server is not the cause of this wait."""
    started = time.monotonic()
    is_read = method == "GET"
    footprint.await_permit(footprint.WAIT_SECONDS if is_read else footprint.WRITE_WAIT_SECONDS)
    extend_deadline(time.monotonic() - started)
