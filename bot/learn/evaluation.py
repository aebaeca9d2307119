"""Measures predictions against the labels that people set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import TypeVar

from bot.learn.calibration import find_interval
from bot.learn.model import Example, RepositoryModel

_ROUNDS = 1_000
_TAIL = round(0.025 * _ROUNDS)  # on each side of an interval of 95 %
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

    @property
    def best(self) -> str:
        """Return the most probable label, "" where none is known."""
        return self.ranking[0][0] if self.ranking else ""


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


def predict_case(model: RepositoryModel, example: Example) -> Case:
    """Return a prediction beside the labels of the issue; only its features reach the model."""
    predictions = model.predict(example.features)
    return Case(
        truth=frozenset(example.labels),
        applied=tuple(x.label for x in predictions if x.certainty != "unsure"),
        suggested=tuple(x.label for x in predictions if x.certainty == "unsure"),
        ranking=model.rank(example.features),
    )


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


def count_confident(cases: Sequence[Case], coverage: float) -> Share:
    """Return how often the most probable label is right on the share of most certain issues."""
    ranked = sorted((case for case in cases if case.ranking), key=lambda x: -x.ranking[0][1])
    kept = ranked[: max(1, round(coverage * len(cases)))]
    return Share(sum(case.best in case.truth for case in kept), len(kept))


def measure_micro_f1(cases: Sequence[Case]) -> float:
    """Return the F1 of applied and suggested labels together, over all labels of all issues."""
    named = [{*case.applied, *case.suggested} for case in cases]
    right = sum(len(case.truth & names) for case, names in zip(cases, named, strict=True))
    total = sum(len(case.truth) + len(names) for case, names in zip(cases, named, strict=True))
    return 2 * right / total if total else 0.0


def measure_macro_f1(cases: Sequence[Case]) -> float:
    """Return the mean F1 of the labels where each issue gets its most probable label."""
    names = sorted({name for case in cases for name in case.truth})
    return sum(_measure_f1(cases, name) for name in names) / max(1, len(names))


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


def estimate(cases: Sequence[T], metric: Callable[[Sequence[T]], float]) -> Figure:
    """Return a metric with its bootstrap interval, from the same resamples each time."""
    return estimate_mean([cases], metric)


def estimate_mean(groups: Sequence[Sequence[T]], metric: Callable[[Sequence[T]], float]) -> Figure:
    """Return the mean of a metric over groups; resamples are drawn within each."""
    random = Random(0)  # noqa: S311  # no secret depends on it
    values = sorted(
        fmean(metric(random.choices(cases, k=len(cases))) for cases in groups)
        for _ in range(_ROUNDS)
    )
    return Figure(fmean(map(metric, groups)), values[_TAIL], values[-_TAIL - 1])


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


def _measure_f1(cases: Sequence[Case], name: str) -> float:
    right = sum(case.best == name and name in case.truth for case in cases)
    total = sum((case.best == name) + (name in case.truth) for case in cases)
    return 2 * right / total if total else 0.0
