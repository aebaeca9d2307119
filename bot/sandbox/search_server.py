"""How a simulated server searches, and how often it may be asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Counted:
    """Of `limit` searches `left` are left until `reset`, in seconds since the epoch; -1 or less for
    one too many."""

    limit: int
    left: int
    reset: int


@dataclass(slots=True)
class SearchServer:
    """`per_minute` searches are answered for each caller, and `meanings_per_minute` of those that
    compare meanings.

    `meanings`: whether the server compares meanings: "on"; "off", it searches for words instead and
    says `fallback` as the reason; "refused", it answers 422; "unknown", as an older server it
    ignores the parameter and does not say how it searched. `is_incomplete`: it says that it had not
    the time to search everything.
    """

    per_minute: int = 30
    meanings_per_minute: int = 10
    meanings: Literal["on", "off", "refused", "unknown"] = "on"
    fallback: tuple[str, ...] = ("service_unavailable",)
    is_incomplete: bool = False
    used: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def count(self, caller: str, now: datetime, *, by_meaning: bool) -> Counted:
        """Count a search by a caller, and return what that leaves in this minute."""
        minute = int(now.timestamp() // MINUTE)
        limits = {"words": self.per_minute}
        if by_meaning:
            limits["meanings"] = self.meanings_per_minute
        for kind in limits:
            self.used[caller, kind, minute] += 1
        left = {kind: most - self.used[caller, kind, minute] for kind, most in limits.items()}
        scarce = min(left, key=lambda kind: left[kind])
        return Counted(limits[scarce], left[scarce], MINUTE * (minute + 1))
