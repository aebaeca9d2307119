"""Bounds the memory of large responses: a process holds few at once, and gives back what they took.

One of GitLab's issues can have 12 MB of JSON, which takes four times that until it is decoded.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

LARGE = 256 * 1024  # bytes
AT_ONCE = 2
# With a connection open; servers end those from which nobody reads. A write is not done again.
WAIT_SECONDS, WRITE_WAIT_SECONDS = 20.0, 50.0

# https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
MMAP_BYTES, ARENAS = 128 * 1024, 2

_permits = threading.BoundedSemaphore(AT_ONCE)
_local = threading.local()


class NoPermit(Exception):
    """Other threads held large responses all the time."""


@dataclass(slots=True)
class _Scope:
    has_permit: bool = False


@contextmanager
def large_responses() -> Iterator[None]:
    """A permit that this thread takes for a large response is kept until the end of this.

    So decoding it, and taking from it what is needed, belongs inside; inside another this does
    nothing.
    """
    if getattr(_local, "scope", None):
        yield
        return
    _local.scope = scope = _Scope()
    try:
        yield
    finally:
        _local.scope = None
        if scope.has_permit:
            _permits.release()
            give_back()


def await_permit(seconds: float) -> None:
    """Take this thread's permit, once, if it is inside `large_responses`. Raises `NoPermit`."""
    scope: _Scope | None = getattr(_local, "scope", None)
    if scope is None or scope.has_permit:
        return
    if not _permits.acquire(timeout=seconds):
        raise NoPermit
    scope.has_permit = True


def keep_small() -> None:
    """Let glibc return large blocks as soon as they are freed, and spread small ones less.

    It raises the limit for large blocks to the size of each that is freed, and has many arenas for
    many threads. To be called before these start; elsewhere than on glibc it does nothing.
    """
    if mallopt := _of_glibc("mallopt"):
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return freed memory to the system; elsewhere than on glibc it does nothing."""
    if trim := _of_glibc("malloc_trim"):
        trim(0)


@cache
def _of_glibc(name: str) -> Callable[..., object] | None:
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows
        return None
    # musl has neither malloc_trim nor the parameters of mallopt.
    return getattr(libc, name, None) if hasattr(libc, "gnu_get_libc_version") else None
