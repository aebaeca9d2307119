"""The labels that are only suggested, or not suggested any more, since people refused them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.core.corrections import REFUSALS, Correction, Verdict, select_latest
from bot.core.journal import Write
from bot.core.labels.names import fold
from bot.core.mode_limit import HIGHEST_PRECISION, find_mode_limit

Refusal = Literal["removed", "dismissed"]
REFUSALS_TO_DEMOTE = 3
ADDITIONS_TO_RECOVER = 3


@dataclass(frozen=True, slots=True)
class DemotionRule:
    """How refusals of one kind count. `ends` a row of them: the verdicts after which they start
    anew. With `if_suggested`, people's additions count only where the bot suggested the label."""

    ends: frozenset[Verdict]
    if_suggested: bool


# By what people do three times in a row: remove a label, which is only suggested then, or dismiss
# its suggestion, which is not made any more.
RULES: Mapping[Refusal, DemotionRule] = {
    "removed": DemotionRule(frozenset({"kept", "added", "approved"}), if_suggested=True),
    "dismissed": DemotionRule(frozenset({"added", "approved"}), if_suggested=False),
}
ADDITIONS = frozenset[Verdict]({"added", "approved"})


@dataclass(frozen=True, slots=True)
class Demotion:
    """A label that people refused on these issues in a row: they "removed" it, and it is only
    suggested since then, or "dismissed" its suggestions, and it is not suggested any more.

    `since` is in seconds since the epoch, `additions` the number of times that people have set it
    since then, of `ADDITIONS_TO_RECOVER`.
    """

    label: str
    since: float
    issues: tuple[int, ...]
    additions: int = 0
    refusal: Refusal = "removed"


def find_demotions(corrections: Iterable[Correction], config: str) -> tuple[Demotion, ...]:
    """Return the labels that are only suggested now, and those that are not suggested any more.

    A label is demoted once people have refused it on three issues in a row, in the same way and
    with nothing between that ends the row (`RULES`). It recovers when people set it three times
    without a refusal between; when the configuration changes; and by "resumed". Refusals under
    another configuration do not count.
    """
    streaks: dict[str, tuple[_Streak, ...]] = {}
    for one in select_latest(corrections):
        if one.verdict == "resumed":
            for key in [fold(one.label)] if one.label else list(streaks):
                streaks.pop(key, None)
        elif one.config != config:
            streaks.clear()  # also if the former configuration is in force again
        else:
            for streak in streaks.setdefault(fold(one.label), tuple(map(_Streak, RULES))):
                streak.count(one)
    demoted = (streak for both in streaks.values() for streak in both if streak.is_demoted)
    return tuple(map(_Streak.make_demotion, demoted))


def list_names(demotions: Iterable[Demotion], refusal: Refusal) -> tuple[str, ...]:
    """Return the labels that people refused in this way."""
    return tuple(one.label for one in demotions if one.refusal == refusal)


def find_change(corrections: Sequence[Correction], config: str) -> Correction | None:
    """Return the "resumed" to record where another configuration has ended demotions, or the limit
    of the repository's mode.

    `corrections` are the oldest first. Without this, these would return with a configuration that
    is changed and changed back.
    """
    configs = [one.config for one in corrections if one.verdict != "resumed" or not one.label]
    if not configs or configs[-1] == config:
        return None
    # The former configuration's `labels.precision` is not known.
    limit = find_mode_limit(corrections, configs[-1], HIGHEST_PRECISION)
    if not limit and not find_demotions(corrections, configs[-1]):
        return None
    # Before what people correct under the new configuration, by the forge's clock.
    at = math.nextafter(corrections[-1].at, math.inf)
    return Correction(0, "", "resumed", at, config=config)


def list_unjudged(
    demotion: Demotion,
    journal: Iterable[tuple[int, Sequence[Write]]],
    corrections: Iterable[Correction],
) -> tuple[tuple[int, Write], ...]:
    """Return the issues that got a label since the first of a demotion, and of which no person has
    said anything, the newest first; with the write that set it."""
    key = fold(demotion.label)
    judged = {one.number for one in corrections if fold(one.label) == key}
    given = {
        number: write
        for number, writes in journal
        for write in writes
        if write.has_set_label and fold(write.label) == key
    }
    first = given.get(demotion.issues[0])
    since = first.at if first else 0.0
    found = [(n, one) for n, one in given.items() if n not in judged and one.at >= since]
    return tuple(sorted(found, key=lambda pair: pair[1].at, reverse=True))


class _Streak:
    """The refusals of one label in a row, and how often people set it since they demoted it."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal, self.rule = refusal, RULES[refusal]
        self.refused: list[Correction] = []
        self.added = 0

    @property
    def is_demoted(self) -> bool:
        return len(self.refused) >= REFUSALS_TO_DEMOTE

    @property
    def demoted_at(self) -> float:
        return self.refused[REFUSALS_TO_DEMOTE - 1].at

    def count(self, one: Correction) -> None:
        if one.verdict in REFUSALS:
            self.added = 0
        if one.verdict == self.refusal:
            self.refused.append(one)
        elif not self.is_demoted or (one.verdict == "kept" and one.at <= self.demoted_at):
            if one.verdict in self.rule.ends:
                self.refused.clear()
        elif one.verdict in ADDITIONS and (one.source or not self.rule.if_suggested):
            self.added += 1
            if self.added >= ADDITIONS_TO_RECOVER:
                self.refused.clear()
                self.added = 0

    def make_demotion(self) -> Demotion:
        issues = tuple(one.number for one in self.refused)
        label = self.refused[-1].label
        return Demotion(label, self.demoted_at, issues, self.added, self.refusal)
