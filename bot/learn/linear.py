"""Fits linear separators by dual coordinate descent.

The loss is the squared hinge loss with a quadratic penalty (Hsieh et al., "A dual coordinate
descent method for large-scale linear SVM", 2008). The penalty is on the distance to a prior, so
that what little data does not contradict stays as the prior has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter, mul
from random import Random

FIRST_COLUMN = 2  # column 0 is the bias, column 1 is empty: `itemgetter` needs two

_MAX_PASSES = 20
_TOLERANCE = 0.05

Prior = Callable[[Sequence[int]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Row:
    """An example as a sparse vector; `square` is the square of its length."""

    columns: tuple[int, ...]
    values: tuple[float, ...]
    gather: Callable[[Sequence[float]], tuple[float, ...]] = field(compare=False)
    square: float

    def score(self, weights: Sequence[float]) -> float:
        return sum(map(mul, self.values, self.gather(weights)), 0.0)


def make_row(values: Mapping[int, float]) -> Row:
    """Return the row of an example; its columns start at `FIRST_COLUMN`."""
    columns = (0, 1, *values)
    numbers = (1.0, 0.0, *values.values())
    return Row(columns, numbers, itemgetter(*columns), sum(map(mul, numbers, numbers)))


class Separator:
    """The weights that separate examples with a label from those without it.

    `signs` are +1 or -1 for each row, `costs` those of an error. `prior` returns the weights that
    hold before any row is seen, made without the rows of its argument.
    """

    def __init__(
        self, rows: Sequence[Row], signs: Sequence[int], costs: Sequence[float], prior: Prior
    ) -> None:
        self._rows, self._signs, self._prior = rows, signs, prior
        self._margins = [0.5 / cost for cost in costs]
        self._alphas = [0.0] * len(rows)
        self._start = prior(())
        self.weights = list(self._start)
        self._descend(range(len(rows)))

    def score_without(self, held_out: Sequence[int]) -> list[float]:
        """Return the scores of rows by weights that are fitted to the others."""
        weights, alphas = self.weights, self._alphas.copy()
        changes = zip(weights, self._prior(held_out), self._start, strict=True)
        self.weights = [weight + new - old for weight, new, old in changes]
        for n in held_out:
            self._move(n, -self._alphas[n] * self._signs[n])
            self._alphas[n] = 0.0
        hidden = set(held_out)
        self._descend([n for n in range(len(self._rows)) if n not in hidden])
        scores = [self._rows[n].score(self.weights) for n in held_out]
        self.weights, self._alphas = weights, alphas
        return scores

    def _descend(self, numbers: Sequence[int]) -> None:
        """Pass over the rows until each is near its optimum; passes skip rows that are settled.

        Each pass is in another order: neighbours with one label would slow it down.
        """
        random = Random(0)  # noqa: S311  # the same order each time is meant
        rows = list(numbers)
        active = rows
        for _ in range(_MAX_PASSES):
            random.shuffle(active)
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
        weights, row = self.weights, self._rows[n]
        for column, value in zip(row.columns, row.values, strict=True):
            weights[column] += step * value
