"""Scores → probabilities → the threshold from which a label is right often enough."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

_Z = 0.8416  # standard deviations: one-sided 80 %
_Z_95 = 1.9600  # two-sided 95 %
_STEPS = 12
_STRENGTH = 4.0  # by which a label's coefficients are drawn to those of all labels
_MAX_SAMPLE = 10_000
# How often the least probable label that is applied may be wrong, as a multiple of what the target
# allows on average: where its own cases prove the target, and where those of all labels stand in.
_PROVEN, _LIKELY = 2.0, 1.5
_MIN_CASES, _MIN_CASES_TOGETHER = 3, 7


@dataclass(frozen=True, slots=True)
class Calibration:
    """Coefficients of a label's score, of the highest score of its rivals, and a constant."""

    own: float
    rival: float
    constant: float

    def to_probability(self, score: float, rival: float) -> float:
        return _sigmoid(self.own * score + self.rival * rival + self.constant)


_DEFAULT = Calibration(2.0, -1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The scores of a label and of its rivals for an issue, and whether the issue has the label."""

    score: float
    rival: float
    is_right: bool


def calibrate_all(labels: Sequence[Sequence[Outcome]]) -> list[Calibration]:
    """Return the calibration of each label, drawn to that of all labels together."""
    together = [outcome for outcomes in labels for outcome in outcomes]
    sample = together[:: max(1, len(together) // _MAX_SAMPLE)]
    common = _calibrate(sample, _DEFAULT, strength=1.0)
    return [_calibrate(outcomes, common, _STRENGTH) for outcomes in labels]


def _calibrate(outcomes: Sequence[Outcome], prior: Calibration, strength: float) -> Calibration:
    """Return the most probable coefficients near a prior, by Newton's method."""
    beta = [prior.own, prior.rival, prior.constant]
    center = tuple(beta)
    weights = (strength, strength, strength / 4)
    for _ in range(_STEPS):
        gradient = [w * (b - c) for w, b, c in zip(weights, beta, center, strict=True)]
        a = [[w if i == j else 0.0 for j in range(3)] for i, w in enumerate(weights)]
        for outcome in outcomes:
            x = (outcome.score, outcome.rival, 1.0)
            p = _sigmoid(beta[0] * x[0] + beta[1] * x[1] + beta[2])
            error, spread = p - outcome.is_right, p * (1 - p)
            for i in range(3):
                gradient[i] += error * x[i]
                for j in range(i + 1):
                    a[i][j] += spread * x[i] * x[j]
        step = _solve(a, gradient)
        beta = [b - max(-2.0, min(2.0, s)) for b, s in zip(beta, step, strict=True)]
        if max(map(abs, step)) < 1e-4:
            break
    return Calibration(max(beta[0], 0.1), min(beta[1], 0.0), beta[2])


def find_lower_bound(right: int, total: int) -> float:
    """Return the one-sided 80 % lower bound of a share (Wilson's): seven of seven are over .90."""
    return _bound(right, total, -_Z) if total else 0.0


def find_upper_bound(right: int, total: int) -> float:
    """Return the one-sided 80 % upper bound of a share (Wilson's)."""
    return _bound(right, total, _Z) if total else 1.0


def find_interval(right: int, total: int) -> tuple[float, float]:
    """Return the two-sided 95 % interval of a share (Wilson's); `total` is not 0."""
    low = _bound(right, total, -_Z_95) if right else 0.0
    return low, _bound(right, total, _Z_95) if right < total else 1.0


ProbableOutcome = tuple[float, bool]  # a probability, and whether the label is right


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lowest probability that reaches a target, with what it comes to on held-out examples."""

    at: float
    precision: float
    coverage: float


class Counts:
    """Of outcomes with at least a probability: how many are right, and how many there are."""

    def __init__(self, outcomes: Iterable[ProbableOutcome]) -> None:
        ranked = sorted(outcomes, reverse=True)
        self._order = [-probability for probability, _ in ranked]
        self._right = [0, *accumulate(is_right for _, is_right in ranked)]

    def at(self, probability: float) -> tuple[int, int]:
        total = bisect_right(self._order, -probability)
        return self._right[total], total


_NONE = Counts(())


def find_threshold(
    held_out: Sequence[ProbableOutcome],
    newest: Sequence[ProbableOutcome],
    target: float,
    together: Counts = _NONE,
) -> Threshold | None:
    """Return the lowest threshold that reaches the target; None for none.

    Either the label's own `held_out` cases prove it: the lower bound of their precision reaches the
    target. Or those of all labels `together` reach it, as far as probabilities go, and its own are
    too few for a proof and do not contradict it. The `newest` issues, predicted from what came
    before them, must not contradict it either.
    """
    proven_at, likely_at = (max(0.5, 1 - x * (1 - target)) for x in (_PROVEN, _LIKELY))
    own, recent = Counts(held_out), Counts(newest)
    positives = sum(is_right for _, is_right in held_out)
    levels = sorted({probability for probability, _ in held_out}, reverse=True)
    found = None
    for probability, below in pairwise([*levels, 0.0]):
        if probability < proven_at:
            break
        right, total = own.at(probability)
        is_proven = find_lower_bound(right, total) >= target
        is_likely = (
            probability >= likely_at
            and total >= _MIN_CASES
            and find_upper_bound(right, total) >= target
            and _reaches(*together.at(probability), target)
        )
        if (is_proven or is_likely) and find_upper_bound(*recent.at(probability)) >= target:
            at = max((probability + below) / 2, proven_at if is_proven else likely_at)
            found = Threshold(at, right / total, right / max(1, positives))
    return found


def _reaches(right: int, total: int, target: float) -> bool:
    return total >= _MIN_CASES_TOGETHER and right >= target * total


def _bound(right: int, total: int, z: float) -> float:
    share, z2 = right / total, z * z
    spread = z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return (share + z2 / (2 * total) + spread) / (1 + z2 / total)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def _solve(a: list[list[float]], b: list[float]) -> list[float]:
    """Solve a symmetric positive definite system of three equations, of which `a` has the lower."""
    d0 = a[0][0]
    l10, l20 = a[1][0] / d0, a[2][0] / d0
    d1 = a[1][1] - l10 * l10 * d0
    l21 = (a[2][1] - l20 * l10 * d0) / d1
    d2 = a[2][2] - l20 * l20 * d0 - l21 * l21 * d1
    y0 = b[0]
    y1 = b[1] - l10 * y0
    y2 = b[2] - l20 * y0 - l21 * y1
    x2 = y2 / d2
    x1 = y1 / d1 - l21 * x2
    return [y0 / d0 - l10 * x1 - l20 * x2, x1, x2]
