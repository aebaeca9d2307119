"""What the door allows all strangers together: bytes that wait for their signature, refusals."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

MAX_REFUSALS = 300
MINUTE = 60.0
MOST_SOURCES = 4096


@dataclass(slots=True, eq=False)
class Upload:
    """A body on its way in. `size` is in bytes; `limit` ends its time when it is crowded out."""

    size: int = 0
    limit: asyncio.Timeout | None = None
    crowded_out: bool = False


class Uploads:
    """Bodies on their way in hold at most so many bytes together.

    Where there are too many, the longest has to go: forged giants cannot keep out an honest
    delivery, which is small.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._uploads: set[Upload] = set()

    def start(self) -> Upload:
        upload = Upload()
        self._uploads.add(upload)
        return upload

    def end(self, upload: Upload) -> None:
        """Its bytes are counted no more, whether it came to its end or not."""
        if upload in self._uploads:
            self._uploads.remove(upload)
            self._held -= upload.size

    def grow(self, upload: Upload, size: int) -> None:
        """Count more bytes. Raises `TimeoutError` where this upload has to go itself."""
        if upload.crowded_out:
            raise TimeoutError
        upload.size += size
        self._held += size
        while self._held > self._most:
            longest = max(self._uploads, key=lambda one: one.size)
            self.end(longest)
            longest.crowded_out = True
            if longest is upload:
                raise TimeoutError
            if longest.limit and not longest.limit.expired():
                longest.limit.reschedule(asyncio.get_running_loop().time())


class RefusalLimiter:
    """How often each source was refused in its present minute; remembers the last few thousand."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, source: str, now: float) -> int:
        """Count one more refusal and return the count of this minute."""
        source = _network(source)
        since, count = self._seen.pop(source, (now, 0))
        if not 0 <= now - since < MINUTE:
            since, count = now, 0
        self._seen[source] = since, count + 1
        if len(self._seen) > MOST_SOURCES:
            self._seen.popitem(last=False)
        return count + 1


def _network(source: str) -> str:
    """A host has 2**64 addresses of version 6 at its choice, and is one source all the same."""
    if ":" not in source:
        return source
    try:
        return str(ipaddress.ip_network((source.partition("%")[0], 64), strict=False))
    except ValueError:
        return source
