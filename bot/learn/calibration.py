"""Scores → probabilities → the threshold from which a label is right often enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_Z = 0.8416  # standard deviations: one-sided 80 %
_STEPS = 12
_PRIOR_STRENGTH = 4.0  # examples' worth of trust in the coefficients of all labels together
_MIN_APPLIED = 7  # the fewest cases that show a precision of .90


@dataclass(frozen=True, slots=True)
class Calibration:
    """Coefficients of a label's score, of the highest score of its rivals, and a constant."""

    own: float
    rival: float
    constant: float

    def to_probability(self, score: float, rival: float) -> float:
        return _sigmoid(self.own * score + self.rival * rival + self.constant)


DEFAULT = Calibration(2.0, -1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The scores of a label and of its rivals for an issue, and whether the issue has the label."""

    score: float
    rival: float
    is_right: bool


def calibrate(outcomes: Sequence[Outcome], prior: Calibration, strength: float) -> Calibration:
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
    return _bound(right, total, -1) if total else 0.0


def find_upper_bound(right: int, total: int) -> float:
    """Return the one-sided 80 % upper bound of a share (Wilson's)."""
    return _bound(right, total, 1) if total else 1.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lowest probability that reaches a target, with what it comes to on held-out examples."""

    at: float
    precision: float
    coverage: float


def find_threshold(
    cases: Sequence[tuple[float, bool]], newest: int, target: float
) -> Threshold | None:
    """Return the threshold for probabilities with their outcomes in time order; None for none.

    The lower bound of the precision reaches the target, and that of the `newest` cases, from which
    drift shows, does not contradict it.
    """
    recent = len(cases) - newest
    order = sorted(range(len(cases)), key=lambda n: (-cases[n][0], n))
    positives = sum(is_right for _, is_right in cases)
    right = new_right = new_total = 0
    found = None
    for total, n in enumerate(order, 1):
        probability, is_right = cases[n]
        right += is_right
        if n >= recent:
            new_right += is_right
            new_total += 1
        if total < len(order) and cases[order[total]][0] == probability:
            continue
        holds = find_lower_bound(right, total) >= target
        if holds and find_upper_bound(new_right, new_total) >= target:
            below = cases[order[total]][0] if total < len(order) else 0.0
            at = (probability + below) / 2
            found = Threshold(at, right / total, right / max(1, positives))
    return found


def _bound(right: int, total: int, side: int) -> float:
    share, z2 = right / total, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return (share + z2 / (2 * total) + side * spread) / (1 + z2 / total)


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
