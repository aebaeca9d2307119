"""Fits the weights of what speaks for a related issue: logistic regression, a small penalty."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.cli.duplicates_replay import Lookup
from bot.cli.reports_file import Report
from bot.core.related import MAX_SHOWN
from bot.learn.similarity import SHOWN_AT, measure, rank, read_documents

FITTED_RANKS = 20  # of a lookup
PENALTY = 1.0
STEPS = 25

Vector = tuple[float, ...]  # 1 for the bias, then `Measures`


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate: what speaks for it, whether it is about the same thing, its score for words."""

    place: int
    values: Vector
    is_same: bool
    words: float


def list_rows(reports: Sequence[Report], lookup: Lookup) -> list[Row]:
    """Return the candidates of a lookup, those with the highest score for words first."""
    places = sorted(lookup.found)
    texts = [(reports[x].title, reports[x].body) for x in (*places, lookup.place)]
    *documents, query = read_documents(texts)
    ranking = rank(query, documents)
    measures = measure(query, documents, ranking)
    rows = [
        Row(place, (1.0, *values), place in lookup.same, words)
        for place, values, words in zip(places, measures, ranking.scores, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.words)


def fit(lookups: Sequence[Sequence[Row]]) -> Vector:
    """Return the weights that make the pairs most probable."""
    rows = [row for one in lookups for row in one[:FITTED_RANKS]]
    weights: Vector = (0.0,) * len(rows[0].values)
    for _ in range(STEPS):
        weights = tuple(w + step for w, step in zip(weights, _step(rows, weights), strict=True))
    return weights


def rank_again(lookup: Lookup, rows: Sequence[Row], weights: Vector) -> Lookup:
    """Return the lookup as it is with other weights."""
    ranked = sorted(rows, key=lambda row: (-estimate(row, weights), -row.place))
    shown = [row.place for row in ranked if estimate(row, weights) >= SHOWN_AT][:MAX_SHOWN]
    return replace(lookup, ranked=[row.place for row in ranked], shown=frozenset(shown))


def estimate(row: Row, weights: Vector) -> float:
    """Return the probability that a candidate is about the same thing."""
    odds = sum(w * x for w, x in zip(weights, row.values, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def _step(rows: Sequence[Row], weights: Vector) -> list[float]:
    """Return a step of Newton's method."""
    size = range(len(weights))
    slope = [-PENALTY * weight for weight in weights]
    curve = [[PENALTY * (n == m) for m in size] for n in size]
    for row in rows:
        chance = estimate(row, weights)
        for n in size:
            slope[n] += (row.is_same - chance) * row.values[n]
            for m in size:
                curve[n][m] += chance * (1 - chance) * row.values[n] * row.values[m]
    return list(_solve(curve, slope))


def _solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> Iterator[float]:
    """Yield the solution of linear equations; the matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for n, pivot in enumerate(rows):
        pivot[:] = [value / pivot[n] for value in pivot]
        for other in rows:
            if other is not pivot:
                factor = other[n]
                other[:] = [x - factor * y for x, y in zip(other, pivot, strict=True)]
    return (row[-1] for row in rows)
