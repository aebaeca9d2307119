"""Connections for `bot.http`: total deadline, permitted addresses, proxies, one repetition.

httpx's own transport neither limits a request as a whole nor shows the address behind a name.
httpcore, which it is built on, does both through its public network backend.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass

import httpcore
import httpx

from bot.core import url_policy

KEEPALIVE_SECONDS = 60.0
READ_BYTES = 8192  # at once: each thread that waits for a response holds a buffer of that size
IDEMPOTENT = (b"GET", b"PUT", b"DELETE")  # https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
HTTPCORE_ERRORS = (
    *(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError),
    *(httpcore.ProxyError, httpcore.UnsupportedProtocol),
)
_local = threading.local()


class UnsupportedProxy(Exception):
    """The environment names a proxy of another protocol than HTTP."""


@contextmanager
def deadline(seconds: float) -> Iterator[float]:
    """Limit everything that this thread's clients do inside, however slowly bytes arrive.

    Yields the end on the monotonic clock. Of nested deadlines the earliest one holds.
    """
    outer: tuple[float, ...] = getattr(_local, "ends", ())
    _local.ends = (*outer, time.monotonic() + seconds)
    try:
        yield min(_local.ends)
    finally:
        _local.ends = outer


def extend_deadline(seconds: float) -> None:
    """Move the innermost deadline, if there is one; those around it hold."""
    if ends := getattr(_local, "ends", ()):
        _local.ends = (*ends[:-1], ends[-1] + seconds)


def seconds_left() -> float | None:
    """Return the seconds until this thread's deadline, at least 0; None without a deadline."""
    ends: tuple[float, ...] = getattr(_local, "ends", ())
    return max(0.0, min(ends) - time.monotonic()) if ends else None


def _limit(timeout: float | None) -> float | None:
    """Return the shorter of a time limit and the time until the deadline."""
    left = seconds_left()
    if left is None:
        return timeout
    if left == 0:
        raise httpcore.ReadTimeout("total deadline passed")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write ends at the thread's deadline.

    `plain_peer` is a public address to which nothing may be written without TLS, or "".
    """

    def __init__(self, stream: httpcore.NetworkStream, plain_peer: str = "") -> None:
        self._stream = stream
        self._plain_peer = plain_peer

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(min(max_bytes, READ_BYTES), _limit(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._plain_peer:
            raise httpcore.ConnectError(f"plain http to {self._plain_peer}: use https")
        self._stream.write(buffer, _limit(timeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _limit(timeout)))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Connects to permitted addresses only. With `tunnel`, plain bytes only ask a proxy for TLS."""

    def __init__(self, *, tunnel: bool = False) -> None:
        self._tunnel = tunnel

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        try:
            stream = super().connect_tcp(host, port, _limit(timeout), *args, **options)
        except UnicodeError:
            raise httpcore.ConnectError("not a valid host name") from None
        peer = str(stream.get_extra_info("server_addr")[0])
        if url_policy.is_forbidden(peer):
            stream.close()
            raise httpcore.ConnectError(f"{peer} is link-local or a metadata address")
        return _Stream(stream, "" if self._tunnel or url_policy.is_near(peer) else peer)


def _httpx_error(error: Exception) -> Exception:
    """Return httpx's error of the same name as one of httpcore's."""
    converted: Exception = getattr(httpx, type(error).__name__)(str(error))
    return converted


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_stream()
        except HTTPCORE_ERRORS as error:
            raise _httpx_error(error) from None

    def close(self) -> None:
        self._response.close()


class Transport(httpx.BaseTransport):
    """One kept connection to each server: the transport's thread sends one request at a time."""

    def __init__(self, context: ssl.SSLContext, proxies: Mapping[str, httpx.Proxy]) -> None:
        self._context = context
        self._proxies = proxies
        self._kept: dict[tuple[bytes, bytes, int | None], httpcore.ConnectionInterface] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol("neither http nor https")
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        sent = httpcore.Request(
            request.method,
            target,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            response = self._send(sent, url)
        except HTTPCORE_ERRORS as error:
            raise _httpx_error(error) from None
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def _send(self, request: httpcore.Request, url: httpx.URL) -> httpcore.Response:
        server = url.raw_scheme, url.raw_host, url.port
        kept = self._kept.get(server)
        if kept and kept.is_available() and not kept.has_expired():
            try:
                return kept.handle_request(request)
            except (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError):
                # The server may have closed the connection after its last response.
                if request.method not in IDEMPOTENT:
                    raise
        if kept:
            kept.close()
        self._kept[server] = new = self._connection(request.url.origin, url)
        return new.handle_request(request)

    def _connection(self, origin: httpcore.Origin, url: httpx.URL) -> httpcore.ConnectionInterface:
        """Return a connection, not open yet, through the proxy of this URL if it has one."""
        proxy = self._proxy(url)
        if proxy is None:
            return httpcore.HTTPConnection(
                origin, self._context, KEEPALIVE_SECONDS, network_backend=_Backend()
            )
        address = url_policy.parse(url.host)
        if url_policy.is_forbidden(url.host):
            raise httpcore.ConnectError(f"{url.host} is link-local or a metadata address")
        if url.scheme == "http" and address and not url_policy.is_near(url.host):
            raise httpcore.ConnectError(f"plain http to {url.host}: use https")
        return httpcore.HTTPProxy(
            httpcore.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port),
            proxy.raw_auth,
            ssl_context=self._context,
            proxy_ssl_context=self._context if proxy.url.scheme == "https" else None,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=_Backend(tunnel=url.scheme == "https"),
        ).create_connection(origin)

    def _proxy(self, url: httpx.URL) -> httpx.Proxy | None:
        proxy = self._proxies.get(url.scheme)
        direct = url_policy.is_loopback(url.host) or proxy_bypass(url.netloc.decode())
        return None if direct else proxy

    def close(self) -> None:
        for kept in list(self._kept.values()):
            kept.close()


def create_ssl_context() -> ssl.SSLContext:
    """Return a TLS context that trusts the authorities of the system and of certifi."""
    return httpcore.default_ssl_context()


def environment_proxies() -> dict[str, httpx.Proxy]:
    """Return the proxies of HTTP_PROXY, HTTPS_PROXY and ALL_PROXY by scheme of the request."""
    configured, proxies = getproxies_environment(), {}
    for scheme in ("http", "https"):
        name = scheme if scheme in configured else "all"
        address = configured.get(name, "")
        if not address:
            continue
        try:
            proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        except (ValueError, httpx.InvalidURL):
            proxy = None
        if proxy is None or proxy.url.scheme not in ("http", "https") or not proxy.url.host:
            raise UnsupportedProxy(
                f"{name.upper()}_PROXY must be the http:// or https:// address of a proxy; SOCKS is"
                " not supported. Set another one, or unset it"
            )
        proxies[scheme] = proxy
    return proxies
