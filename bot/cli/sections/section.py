"""What a section of `tagline stats` is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.demotions import Demotion, Refusal, find_demotions
from bot.core.related import RelatedFeedback, count_feedback
from bot.core.types import IssueRef
from bot.flow.load_config import ConfigInForce
from bot.store.redis import RedisStore

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, its configuration and what Redis has of it."""

    ref: IssueRef
    store: RedisStore
    in_force: ConfigInForce

    @property
    def name(self) -> str:
        return f"{self.ref.forge}:{self.ref.repo}"

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
