"""What a repository answers rarely changes: kept for a while, shared by all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache, TTLCache

from bot.core.types import IssueRef

T = TypeVar("T")
REPOSITORIES = 10_000
LOCKS = 64
NAME_SECONDS = 3600.0
OTHER_NAME_SECONDS = 60.0


class KeyedLock:
    """A lock for each key, so that what many threads want at once is fetched by one of them."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def for_key(self, key: Hashable) -> threading.Lock:
        """Keys may share a lock: their threads then wait for each other."""
        return self._locks[hash(key) % LOCKS]


class PerRepository(Generic[T]):
    """The last answer of `fetch` for each repository, for at most `seconds`."""

    def __init__(self, fetch: Callable[[IssueRef], T], seconds: float) -> None:
        self._fetch = fetch
        self._kept: TTLCache[str, T] = TTLCache(REPOSITORIES, seconds)
        self._lock = threading.Lock()
        self._turns = KeyedLock()

    def get(self, ref: IssueRef) -> T:
        if found := self._known(ref):
            return found[0]
        with self._turns.for_key(ref.repo_key):
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


class Names:
    """The present name of each repository, which `fetch` learns from the platform by its number.

    A delivery may be wrong about the name, or older than a rename. A name is asked for again after
    an hour, or after a minute where the reference has another one. `clock` is in seconds.
    """

    def __init__(
        self, fetch: Callable[[IssueRef], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: LRUCache[int, tuple[str, float]] = LRUCache(REPOSITORIES)
        self._lock = threading.Lock()
        self._turns = KeyedLock()

    def of(self, ref: IssueRef) -> str:
        """The present name; a reference without a number was typed, and keeps its own."""
        if not ref.repo_id:
            return ref.repo
        if name := self._kept(ref):
            return name
        with self._turns.for_key(ref.repo_id):
            return self._kept(ref) or self.fresh(ref)

    def fresh(self, ref: IssueRef) -> str:
        """Ask now, and keep the answer."""
        name = self._fetch(ref)
        with self._lock:
            self._known[ref.repo_id] = name, self._clock()
        return name

    def _kept(self, ref: IssueRef) -> str:
        with self._lock:
            name, since = self._known.get(ref.repo_id, ("", 0.0))
        agrees = ref.repo in (name, "") or name.lower() == ref.repo.lower()
        fresh_for = NAME_SECONDS if agrees else OTHER_NAME_SECONDS
        return name if self._clock() - since <= fresh_for else ""
