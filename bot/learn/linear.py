"""Fits linear separators by dual coordinate descent.

The loss is the squared hinge loss with a quadratic penalty (Hsieh et al., "A dual coordinate
descent method for large-scale linear SVM", 2008). The penalty is on the distance to a prior, so
that what little data does not contradict stays as the prior has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter, mul

_BIAS = (0, 1)  # columns; two, since `itemgetter` returns no tuple for one
_MAX_PASSES = 20
_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Row:
    """An example as a sparse vector. Column 0 is the bias, column 1 is empty."""

    columns: tuple[int, ...]
    values: tuple[float, ...]
    gather: Callable[[Sequence[float]], tuple[float, ...]] = field(compare=False)
    square: float

    def score(self, weights: Sequence[float]) -> float:
        return sum(map(mul, self.values, self.gather(weights)), 0.0)


def make_row(values: dict[int, float], bias: float = 1.0) -> Row:
    """Return the row of an example; its columns start at 2."""
    columns = (*_BIAS, *values)
    numbers = (bias, 0.0, *values.values())
    return Row(columns, numbers, itemgetter(*columns), sum(map(mul, numbers, numbers)))


class Separator:
    """The weights that separate examples with a label from those without it."""

    def __init__(self, rows: Sequence[Row], signs: Sequence[int], costs: Sequence[float]) -> None:
        """Take +1 or -1 and the cost of an error of each row; a cost of 0 leaves a row out."""
        self._rows, self._signs = rows, signs
        self._margins = [0.5 / cost if cost else 0.0 for cost in costs]
        self._alphas = [0.0] * len(rows)
        self.weights: list[float] = []

    def fit(self, prior: Sequence[float]) -> None:
        """Fit the weights to all rows, near a prior."""
        self.weights = list(prior)
        self._descend([n for n, margin in enumerate(self._margins) if margin])

    def score_without(self, held_out: Sequence[int]) -> list[float]:
        """Return the scores of rows by weights that are fitted to the others."""
        weights, alphas = self.weights.copy(), self._alphas.copy()
        hidden = set(held_out)
        for n in held_out:
            self._move(n, -self._alphas[n] * self._signs[n])
            self._alphas[n] = 0.0
        self._descend([n for n, x in enumerate(self._margins) if x and n not in hidden])
        scores = [self._rows[n].score(self.weights) for n in held_out]
        self.weights, self._alphas = weights, alphas
        return scores

    def _descend(self, rows: Sequence[int]) -> None:
        """Pass over the rows until each is near its optimum; passes skip rows that are settled."""
        active = rows
        for _ in range(_MAX_PASSES):
            gaps = [self._improve(n) for n in active]
            if max(gaps, default=0.0) >= _TOLERANCE:
                active = [n for n, gap in zip(active, gaps, strict=True) if gap]
            elif active is rows:
                return
            else:
                active = rows

    def _improve(self, n: int) -> float:
        """Move one row's dual variable to its optimum; return how far from it it was."""
        row, sign, alpha, margin = self._rows[n], self._signs[n], self._alphas[n], self._margins[n]
        gradient = sign * row.score(self.weights) - 1.0 + alpha * margin
        if not alpha and gradient >= 0.0:
            return 0.0
        self._alphas[n] = max(alpha - gradient / (row.square + margin), 0.0)
        self._move(n, (self._alphas[n] - alpha) * sign)
        return abs(gradient)

    def _move(self, n: int, step: float) -> None:
        weights = self.weights
        for column, value in zip(self._rows[n].columns, self._rows[n].values, strict=True):
            weights[column] += step * value
