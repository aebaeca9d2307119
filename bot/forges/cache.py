"""What a repository answers rarely changes: kept for a while, shared by all threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from cachetools import TTLCache

from bot.core.model import IssueRef

T = TypeVar("T")
REPOSITORIES = 10_000


class PerRepository(Generic[T]):
    """The last answer of `fetch` for each repository, for at most `seconds`."""

    def __init__(self, fetch: Callable[[IssueRef], T], seconds: float) -> None:
        self._fetch = fetch
        self._kept: TTLCache[str, T] = TTLCache(REPOSITORIES, seconds)
        self._lock = threading.Lock()

    def get(self, ref: IssueRef) -> T:
        with self._lock:
            if ref.repo_key in self._kept:
                return self._kept[ref.repo_key]
        return self.fresh(ref)

    def fresh(self, ref: IssueRef) -> T:
        """Ask now, and keep the answer."""
        value = self._fetch(ref)
        with self._lock:
            self._kept[ref.repo_key] = value
        return value
