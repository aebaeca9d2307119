"""The searches for older issues that one process may send, for a command without Redis."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable

MINUTE = 60.0


class ProcessSearchBudget:
    """Implements `SearchBudget` for one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._searches: defaultdict[str, list[float]] = defaultdict(list)
        self._paused_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, account: str, per_minute: int) -> bool:
        now = self._clock()
        with self._lock:
            recent = [at for at in self._searches[account] if at > now - MINUTE]
            may_search = len(recent) < per_minute and self._paused_until.get(account, now) <= now
            self._searches[account] = [*recent, now] if may_search else recent
        return may_search

    def pause(self, account: str, seconds: float) -> None:
        self._paused_until[account] = self._clock() + seconds
