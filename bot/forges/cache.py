"""Caches of data about repositories, shared by all threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from operator import attrgetter
from threading import Condition
from typing import Generic, TypeVar

from cachetools import TTLCache, cached

from bot.core.types import IssueRef

T = TypeVar("T")
MAX_REPOSITORIES = 10_000
NAME_SECONDS = 3600.0
OTHER_NAME_SECONDS = 60.0


class RepositoryCache(Generic[T]):
    """Results of `fetch` for at most `seconds`, of at most `size` repositories.

    Of threads that miss the same key, one fetches.
    """

    def __init__(
        self,
        fetch: Callable[[IssueRef], T],
        seconds: float,
        key: Callable[[IssueRef], Hashable] = attrgetter("repo_key"),
        size: int = MAX_REPOSITORIES,
    ) -> None:
        self._fetch = fetch
        self._key = key
        self._values: TTLCache[Hashable, T] = TTLCache(size, seconds)
        self._condition = Condition()
        self.get = cached(self._values, key, condition=self._condition)(fetch)

    def peek(self, ref: IssueRef) -> T | None:
        """Return the cached value, None if there is none."""
        with self._condition:
            return self._values.get(self._key(ref))

    def refresh(self, ref: IssueRef) -> T:
        """Fetch and cache the value, and return it."""
        value = self._fetch(ref)
        self.put(ref, value)
        return value

    def put(self, ref: IssueRef, value: T) -> None:
        """Cache a value that came with another response."""
        with self._condition:
            self._values[self._key(ref)] = value

    def discard(self, ref: IssueRef, value: T) -> None:
        """Remove a value, unless another thread has replaced it."""
        with self._condition:
            if self._values.get(self._key(ref)) is value:
                del self._values[self._key(ref)]


class NameCache:
    """The current name of each repository, which `fetch` gets by the repository's number.

    The name in a delivery may be wrong or older than a rename. A name is fetched again after an
    hour, or after a minute where a reference has another one. `clock` is in seconds.
    """

    def __init__(
        self, fetch: Callable[[IssueRef], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._cache = RepositoryCache(lambda ref: (fetch(ref), clock()), float("inf"))

    def get(self, ref: IssueRef) -> str:
        """Return the current name; for a reference without a number, its own name."""
        if not ref.repo_id:
            return ref.repo
        entry = self._cache.get(ref)
        name, fetched_at = entry
        agrees = ref.repo == "" or name.lower() == ref.repo.lower()
        if self._clock() - fetched_at > (NAME_SECONDS if agrees else OTHER_NAME_SECONDS):
            self._cache.discard(ref, entry)
            name, _ = self._cache.get(ref)
        return name

    def put(self, ref: IssueRef) -> None:
        """Cache the name of a reference, if the forge has just given both name and number."""
        if ref.repo:
            self._cache.put(ref, (ref.repo, self._clock()))

    def refresh(self, ref: IssueRef) -> str:
        """Fetch and cache the name, and return it."""
        return self._cache.refresh(ref)[0]
