"""Measures predictions against the labels that people set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from bot.learn.model import Example, RepositoryModel

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

    @property
    def best(self) -> str:
        """Return the most probable label, "" where none is known."""
        return self.ranking[0][0] if self.ranking else ""


Metric = Callable[[Sequence[Case]], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its bootstrap interval of 95 %."""

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


def measure_precision(cases: Sequence[Case]) -> float:
    """Return the share of the applied labels that people set too, 1 without any."""
    applied = sum(len(case.applied) for case in cases)
    right = sum(len(case.truth.intersection(case.applied)) for case in cases)
    return right / applied if applied else 1.0


def measure_coverage(cases: Sequence[Case]) -> float:
    """Return the share of the issues that get a label."""
    return sum(bool(case.applied) for case in cases) / max(1, len(cases))


def measure_agreement(cases: Sequence[Case]) -> float:
    """Return the share of the issues that get a label which get only labels that people set."""
    labelled = [case for case in cases if case.applied]
    agreed = sum(case.truth.issuperset(case.applied) for case in labelled)
    return agreed / len(labelled) if labelled else 1.0


def measure_recall(cases: Sequence[Case]) -> float:
    """Return the share of people's labels that are applied."""
    right = sum(len(case.truth.intersection(case.applied)) for case in cases)
    return right / max(1, sum(len(case.truth) for case in cases))


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


def measure_hits(cases: Sequence[Case]) -> float:
    """Return the share of labelled issues with one of their labels among the three best."""
    labelled = [case for case in cases if case.truth]
    hits = sum(any(name in case.truth for name, _ in case.ranking[:3]) for case in labelled)
    return hits / max(1, len(labelled))


def measure_confident(cases: Sequence[Case], coverage: float) -> float:
    """Return the precision of the most probable label on the share of most certain issues."""
    ranked = sorted((case for case in cases if case.ranking), key=lambda x: -x.ranking[0][1])
    kept = ranked[: max(1, round(coverage * len(cases)))]
    return sum(case.best in case.truth for case in kept) / max(1, len(kept))


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
    """Return a metric with its interval, from the same resamples each time."""
    if not cases:
        return Figure(0.0, 0.0, 1.0)
    random = Random(0)  # noqa: S311  # no secret depends on it
    values = sorted(metric(random.choices(cases, k=len(cases))) for _ in range(_ROUNDS))
    return Figure(metric(cases), values[round(0.025 * _ROUNDS)], values[round(0.975 * _ROUNDS) - 1])


def _measure_f1(cases: Sequence[Case], name: str) -> float:
    right = sum(case.best == name and name in case.truth for case in cases)
    total = sum((case.best == name) + (name in case.truth) for case in cases)
    return 2 * right / total if total else 0.0
