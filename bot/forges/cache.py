"""What a repository answers rarely changes: kept for a while, shared by all threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TTLCache

from bot.core.model import IssueRef

T = TypeVar("T")
REPOSITORIES = 10_000
AT_ONCE = 64


class Turns:
    """A lock for each key, so that what many threads want at once is fetched by one of them."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(AT_ONCE)]

    def of(self, key: Hashable) -> threading.Lock:
        """Keys may share a lock: their threads then wait for each other."""
        return self._locks[hash(key) % AT_ONCE]


class PerRepository(Generic[T]):
    """The last answer of `fetch` for each repository, for at most `seconds`."""

    def __init__(self, fetch: Callable[[IssueRef], T], seconds: float) -> None:
        self._fetch = fetch
        self._kept: TTLCache[str, T] = TTLCache(REPOSITORIES, seconds)
        self._lock = threading.Lock()
        self._turns = Turns()

    def get(self, ref: IssueRef) -> T:
        if found := self._known(ref):
            return found[0]
        with self._turns.of(ref.repo_key):
            found = self._known(ref)
            return found[0] if found else self.fresh(ref)

    def _known(self, ref: IssueRef) -> tuple[T] | None:
        with self._lock:
            return (self._kept[ref.repo_key],) if ref.repo_key in self._kept else None

    def fresh(self, ref: IssueRef) -> T:
        """Ask now, and keep the answer."""
        value = self._fetch(ref)
        with self._lock:
            self._kept[ref.repo_key] = value
        return value
