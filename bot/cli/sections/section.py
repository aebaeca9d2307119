"""What a section of `tagline stats` is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bot.core.day_figures import DAY, find_day_start
from bot.core.demotions import Demotion, Refusal, find_demotions
from bot.core.mode_limit import ModeLimit
from bot.core.related import RelatedFeedback, count_feedback
from bot.core.types import IssueRef
from bot.core.usefulness import Usefulness, Verdict, find_verdict, measure
from bot.flow.load_config import ConfigInForce, find_limit
from bot.store.redis import RedisStore

JOB_DAYS = 7  # of the costs and seconds

Row = Mapping[str, Any]


@dataclass(frozen=True)  # without slots, for the cached property
class Repository:
    """A repository, its configuration and what Redis has of it."""

    ref: IssueRef
    store: RedisStore
    in_force: ConfigInForce
    day_usd: float | None = None  # the limit of all repositories together

    @property
    def name(self) -> str:
        return self.ref.repo_name

    def find_demotions(self, *refusals: Refusal) -> tuple[Demotion, ...]:
        """Return the labels that people refused in one of these ways."""
        if not self.in_force.learns_from_corrections:
            return ()
        corrections = self.store.corrections.list(self.ref.repo_key)
        found = find_demotions(corrections, self.in_force.digest)
        return tuple(one for one in found if one.refusal in refusals)

    def count_feedback(self) -> RelatedFeedback:
        """Return what people said of older issues in comments; nothing where that is not used."""
        if not self.in_force.learns_from_corrections:
            return RelatedFeedback()
        verdicts = self.store.related_verdicts.list(self.ref.repo_key)
        return count_feedback(verdicts, self.in_force.digest)

    def find_limit(self) -> ModeLimit | None:
        """Return why labels are only suggested though the configuration applies them."""
        if self.in_force.config.mode != "apply":
            return None
        return find_limit(self.in_force, self.store.corrections.list(self.ref.repo_key))

    @cached_property
    def figures(self) -> Usefulness:
        """Return what Tagline did here; read once."""
        store, key, now = self.store, self.ref.repo_key, time.time()
        since = find_day_start(now) - (JOB_DAYS - 1) * DAY
        return measure(
            (record for _, record in store.list_records(key)),
            store.journal.list_repository(key),
            store.corrections.list(key),
            store.list_jobs(key, since),
            now,
        )

    def find_verdict(self) -> Verdict:
        """Return whether Tagline is worth keeping, and whether it acts on that by itself."""
        verdict = find_verdict(self.figures, self.in_force.config.labels.precision)
        if limit := self.find_limit():
            text = f"{verdict.text} It suggests labels only, by itself: {limit}."
            return replace(verdict, text=text)
        return verdict

    def find_budget_left(self) -> float:
        """Return the dollars that are left today for this repository."""
        spent, of_all = self.store.budgets.spent_today(self.ref.repo_key)
        left = self.in_force.config.budget.per_day_usd - spent
        return max(0.0, left if self.day_usd is None else min(left, self.day_usd - of_all))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report. `rows` are its JSON, under `name`; `format` returns a row's cells.

    `empty` is shown in place of a table without rows, `note` below one with rows.
    """

    name: str
    title: str
    rows: Sequence[Row]
    columns: tuple[str, ...]
    format: Callable[[Row], tuple[str, ...]]
    empty: str
    note: str = ""
