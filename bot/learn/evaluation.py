"""Measures predictions against the labels that people set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from bot.learn.calibration import find_interval

_ROUNDS = 1_000
_BLOCKS = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Case:
    """An issue with people's labels and the predicted ones.

    `ranking` holds all labels with their probabilities, the highest first.
    """

    truth: frozenset[str]
    applied: tuple[str, ...]
    suggested: tuple[str, ...]
    ranking: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How many are right, of how many."""

    right: int
    total: int

    @property
    def value(self) -> float:
        return self.right / self.total


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its interval of 95 %."""

    value: float
    low: float
    high: float


def plan_blocks(size: int, most: int) -> list[range]:
    """Return the issues to predict, of so many in time order: at most the newest half.

    They are in blocks. Those of a block are predicted by a model of all issues before the block.
    """
    first = max(size - most, size - size // 2)
    step = max(1, -(-(size - first) // _BLOCKS))
    return [range(start, min(start + step, size)) for start in range(first, size, step)]


def count_precision(cases: Sequence[Case]) -> Share:
    """Return how many of the applied labels people set too."""
    right = sum(len(case.truth.intersection(case.applied)) for case in cases)
    return Share(right, sum(len(case.applied) for case in cases))


def count_coverage(cases: Sequence[Case]) -> Share:
    """Return how many of the issues get a label."""
    return Share(sum(bool(case.applied) for case in cases), len(cases))


def count_agreement(cases: Sequence[Case]) -> Share:
    """Return how many of the issues that get a label get only labels that people set."""
    labelled = [case for case in cases if case.applied]
    return Share(sum(case.truth.issuperset(case.applied) for case in labelled), len(labelled))


def count_recall(cases: Sequence[Case]) -> Share:
    """Return how many of people's labels are applied."""
    right = sum(len(case.truth.intersection(case.applied)) for case in cases)
    return Share(right, sum(len(case.truth) for case in cases))


def count_hits(cases: Sequence[Case]) -> Share:
    """Return how many of the labelled issues have one of their labels among the three best."""
    labelled = [case for case in cases if case.truth]
    hits = sum(any(name in case.truth for name, _ in case.ranking[:3]) for case in labelled)
    return Share(hits, len(labelled))


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How many issues got a label from the bot, from people, and from both."""

    applied: int
    people: int
    both: int


def count_label(cases: Sequence[Case], name: str) -> LabelCounts:
    """Return the counts of one label."""
    pairs = Counter((name in case.applied, name in case.truth) for case in cases)
    both = pairs[True, True]
    return LabelCounts(pairs[True, False] + both, pairs[False, True] + both, both)


def estimate_share(cases: Sequence[T], count: Callable[[Sequence[T]], Share]) -> Figure | None:
    """Return a share with its interval, None where it is one of nothing.

    Where all resamples have the same share, as of three of three, these show no uncertainty: the
    interval is Wilson's then.
    """
    share = count(cases)
    if not share.total:
        return None
    random = Random(0)  # noqa: S311  # no secret depends on it
    counts = (count(random.choices(cases, k=len(cases))) for _ in range(_ROUNDS))
    values = sorted(one.value for one in counts if one.total)
    tail = round(0.025 * len(values))
    low, high = values[tail], values[-tail - 1]
    if low == high:
        low, high = find_interval(share.right, share.total)
    return Figure(share.value, low, high)
