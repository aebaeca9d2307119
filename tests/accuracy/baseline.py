"""A plain classifier to compare with: TF-IDF of words and pairs of words, one separator a label."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from bot.learn.evaluation import Case
from bot.learn.features import HASH_BITS, Part
from bot.learn.linear import Row, Separator, make_row
from bot.learn.model import Example
from tests.accuracy.measures import measure_micro_f1

VALIDATION_SHARE = 0.2
STEPS = 40


def predict(train: Sequence[Example], test: Sequence[Example], names: Sequence[str]) -> list[Case]:
    """Return predictions at the threshold that is best for the newest fifth of the training."""
    known = round(len(train) * (1 - VALIDATION_SHARE))
    validation = _score(train[:known], train[known:], names)
    thresholds = [n / STEPS - 0.75 for n in range(STEPS)]
    best = max(thresholds, key=lambda at: measure_micro_f1(_choose(validation, at, names)))
    return _choose(_score(train, test, names), best, names)


def _choose(
    scored: Sequence[tuple[frozenset[str], list[float]]], at: float, names: Sequence[str]
) -> list[Case]:
    known = frozenset(names)
    return [
        Case(truth & known, tuple(x for x, s in zip(names, scores, strict=True) if s >= at), (), ())
        for truth, scores in scored
    ]


def _score(
    train: Sequence[Example], test: Sequence[Example], names: Sequence[str]
) -> list[tuple[frozenset[str], list[float]]]:
    """Return the labels of each test issue and its scores."""
    uses = Counter(number for example in train for number in _count_terms(example))
    columns = {number: n + 2 for n, number in enumerate(x for x in uses if uses[x] > 1)}
    idfs = {number: 1 + math.log((1 + len(train)) / (1 + uses[number])) for number in columns}

    def to_row(example: Example) -> Row:
        values = {x: n * idfs[x] for x, n in _count_terms(example).items() if x in columns}
        length = math.sqrt(sum(x * x for x in values.values())) or 1.0
        return make_row({columns[x]: value / length for x, value in values.items()})

    def prior(_: Sequence[int]) -> list[float]:
        return [0.0] * (len(columns) + 2)

    rows, test_rows = [to_row(x) for x in train], [to_row(x) for x in test]
    scores: list[list[float]] = [[] for _ in test]
    for name in names:
        signs = [1 if name in example.labels else -1 for example in train]
        separator = Separator(rows, signs, [1.0] * len(rows), prior)
        for row, own in zip(test_rows, scores, strict=True):
            own.append(row.score(separator.weights))
    return [(frozenset(x.labels), own) for x, own in zip(test, scores, strict=True)]


def _count_terms(example: Example) -> dict[int, float]:
    """Return the words and pairs of words of title and body, together."""
    terms: dict[int, float] = {}
    for number, value in example.features.items():
        if number >> HASH_BITS in (Part.TITLE, Part.BODY):
            term = number & ((1 << HASH_BITS) - 1)
            terms[term] = terms.get(term, 0.0) + value
    return terms
