"""Measures that only the figures of accuracy have, beside those of `bot.learn.evaluation`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean
from typing import TypeVar

from bot.learn.evaluation import Case, Figure, Share
from bot.learn.model import Example, RepositoryModel

_ROUNDS = 1_000
_TAIL = round(0.025 * _ROUNDS)  # on each side of an interval of 95 %

T = TypeVar("T")


def predict_case(model: RepositoryModel, example: Example) -> Case:
    """Return a prediction beside the labels of the issue; only its features reach the model."""
    predictions = model.predict(example.features)
    return Case(
        truth=frozenset(example.labels),
        applied=tuple(x.label for x in predictions if x.certainty != "unsure"),
        suggested=tuple(x.label for x in predictions if x.certainty == "unsure"),
        ranking=model.rank(example.features),
    )


def find_best(case: Case) -> str:
    """Return the most probable label, "" where none is known."""
    return case.ranking[0][0] if case.ranking else ""


def count_confident(cases: Sequence[Case], coverage: float) -> Share:
    """Return how often the most probable label is right on the share of most certain issues."""
    ranked = sorted((case for case in cases if case.ranking), key=lambda x: -x.ranking[0][1])
    kept = ranked[: max(1, round(coverage * len(cases)))]
    return Share(sum(find_best(case) in case.truth for case in kept), len(kept))


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


def estimate(cases: Sequence[T], metric: Callable[[Sequence[T]], float]) -> Figure:
    """Return a metric with its bootstrap interval, from the same resamples each time."""
    return estimate_mean([cases], metric)


def estimate_mean(groups: Sequence[Sequence[T]], metric: Callable[[Sequence[T]], float]) -> Figure:
    """Return the mean of a metric over groups; resamples are drawn within each."""
    random = Random(0)  # no secret depends on it
    values = sorted(
        fmean(metric(random.choices(cases, k=len(cases))) for cases in groups)
        for _ in range(_ROUNDS)
    )
    return Figure(fmean(map(metric, groups)), values[_TAIL], values[-_TAIL - 1])


def _measure_f1(cases: Sequence[Case], name: str) -> float:
    right = sum(find_best(case) == name and name in case.truth for case in cases)
    total = sum((find_best(case) == name) + (name in case.truth) for case in cases)
    return 2 * right / total if total else 0.0
