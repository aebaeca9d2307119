"""Limits on what senders use before their signature is verified: memory, refusals, connections."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

MAX_REFUSALS = 300
MINUTE = 60.0
MAX_SOURCES = 4096
MAX_SOURCE = 64  # characters; a trusted proxy may forward any text
MAX_CONNECTIONS, SPARE_FILES = 1000, 64


@dataclass(slots=True, eq=False)
class Upload:
    """A body that is being received. `size` is in bytes; `timeout` ends it if it is cancelled."""

    size: int = 0
    timeout: asyncio.Timeout | None = None
    cancelled: bool = False


class Uploads:
    """Bodies that are being received, with a limit of bytes for all of them together.

    Where they exceed it, the longest is cancelled: a valid delivery is small, so that large forged
    bodies cannot keep it out.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._uploads: set[Upload] = set()

    def start(self) -> Upload:
        upload = Upload()
        self._uploads.add(upload)
        return upload

    def end(self, upload: Upload) -> None:
        """Stop counting an upload's bytes."""
        if upload in self._uploads:
            self._uploads.remove(upload)
            self._bytes -= upload.size

    def grow(self, upload: Upload, size: int) -> None:
        """Count more bytes. Raises `TimeoutError` if this upload is cancelled."""
        if upload.cancelled:
            raise TimeoutError
        upload.size += size
        self._bytes += size
        while self._bytes > self._max_bytes:
            longest = max(self._uploads, key=lambda one: one.size)
            self.end(longest)
            longest.cancelled = True
            if longest is upload:
                raise TimeoutError
            if longest.timeout and not longest.timeout.expired():
                longest.timeout.reschedule(asyncio.get_running_loop().time())


class RefusalLimiter:
    """Counts how often each source was refused in the last minute; keeps a few thousand sources."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def read(self, source: str, now: float) -> int:
        """Return the count of this minute."""
        since, count = self._counts.get(_get_network(source[:MAX_SOURCE]), (now, 0))
        return count if 0 <= now - since < MINUTE else 0

    def count(self, source: str, now: float) -> int:
        """Count one more refusal and return the count of this minute."""
        source = _get_network(source[:MAX_SOURCE])
        since, count = self._counts.pop(source, (now, 0))
        if not 0 <= now - since < MINUTE:
            since, count = now, 0
        self._counts[source] = since, count + 1
        if len(self._counts) > MAX_SOURCES:
            self._counts.popitem(last=False)
        return count + 1


def _get_network(source: str) -> str:
    """Return an address, or the /64 network of an IPv6 address: a host may use all of it."""
    if ":" not in source:
        return source
    try:
        return str(ipaddress.ip_network((source.partition("%")[0], 64), strict=False))
    except ValueError:
        return source


@cache
def max_connections() -> int:
    """Return how many connections may be open at once, given this process's limit of open files."""
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(16, min(MAX_CONNECTIONS, soft_limit - SPARE_FILES))
