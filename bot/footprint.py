"""Limit the memory for large responses: few are held at once, and freed memory is returned.

One issue of GitLab can have 12 MB of JSON, which takes four times that until it is decoded.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

LARGE = 256 * 1024  # bytes
PERMITS = 2
# With an open connection, which a server closes if nothing reads from it. A write cannot be
# repeated, so it waits longer.
WAIT_SECONDS, WRITE_WAIT_SECONDS = 20.0, 50.0

# https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
MMAP_BYTES, ARENAS = 128 * 1024, 2

_permits = threading.BoundedSemaphore(PERMITS)
_local = threading.local()  # `has_permit`, set only inside `large_responses`


class NoPermit(Exception):
    """Other threads held all permits for the whole time."""


@contextmanager
def large_responses() -> Iterator[None]:
    """Keep a permit that this thread gets inside until the end of the block.

    Decode a large response inside. A nested block changes nothing.
    """
    if hasattr(_local, "has_permit"):
        yield
        return
    _local.has_permit = False
    try:
        yield
    finally:
        has_permit = _local.has_permit
        del _local.has_permit
        if has_permit:
            _permits.release()
            return_freed_memory()


def await_permit(seconds: float) -> None:
    """Acquire one permit for this thread inside `large_responses`. Raises `NoPermit`."""
    if getattr(_local, "has_permit", True):
        return
    if not _permits.acquire(timeout=seconds):
        raise NoPermit
    _local.has_permit = True


def configure_malloc() -> None:
    """Let glibc return large blocks as soon as they are freed, and use two arenas.

    By default it raises the limit for large blocks with each that is freed, and makes arenas for
    many threads. Call this before threads start. Without glibc it does nothing.
    """
    if mallopt := _glibc_function("mallopt"):
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(M_ARENA_MAX, ARENAS)


def return_freed_memory() -> None:
    """Return freed memory to the system; without glibc it does nothing."""
    if trim := _glibc_function("malloc_trim"):
        trim(0)


@cache
def _glibc_function(name: str) -> Callable[..., object] | None:
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows
        return None
    # musl has neither malloc_trim nor the parameters of mallopt.
    return getattr(libc, name, None) if hasattr(libc, "gnu_get_libc_version") else None
