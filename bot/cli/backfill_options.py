"""The options of `tagline backfill`, and which issues they select."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.core.types import Issue

MAX_USD = 1.0
Which = Literal["open", "closed", "all"]


@dataclass(frozen=True, slots=True)
class BackfillOptions:
    """The options of the command. `since` is in seconds since the epoch, 0 without one.

    `max_usd` is None where it was not given.
    """

    apply: bool
    comment: bool
    which: Which
    since: float
    limit: int | None
    max_usd: float | None
    threads: int
    batch: bool
    as_json: bool

    @property
    def calls_model(self) -> bool:
        return self.apply or self.max_usd is not None

    @property
    def limit_usd(self) -> float:
        return MAX_USD if self.max_usd is None else self.max_usd

    @property
    def closed_too(self) -> bool:
        return self.which != "open"

    def select(self, issue: Issue) -> bool:
        """Return whether an issue is one of those to label, of which `limit` are."""
        has_state = self.which == "all" or issue.is_open == (self.which == "open")
        return has_state and issue.created_at >= self.since
