"""Scores → probabilities → the threshold from which a label is right often enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_Z = 0.8416  # standard deviations: one-sided 80 %
_Z_95 = 1.9600  # two-sided 95 %
_STEPS = 12
_STRENGTH = 4.0  # by which a label's coefficients are drawn to those of all labels
_MAX_SAMPLE = 10_000
_MIN_PROBABILITY = 0.7  # of a label that is applied, whatever more probable ones reach


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


def find_threshold(
    held_out: Sequence[ProbableOutcome], newest: Sequence[ProbableOutcome], target: float
) -> Threshold | None:
    """Return the lowest threshold that reaches the target; None for none.

    The lower bound of its precision on the `held_out` issues reaches the target, and the `newest`
    issues, predicted from what came before them, do not contradict it.
    """
    ranked = sorted((x for x in held_out if x[0] >= _MIN_PROBABILITY), reverse=True)
    recent = sorted((x for x in newest if x[0] >= _MIN_PROBABILITY), reverse=True)
    positives = sum(is_right for _, is_right in held_out)
    right = new_right = new_total = 0
    found = None
    for total, (probability, is_right) in enumerate(ranked, 1):
        right += is_right
        below = ranked[total][0] if total < len(ranked) else _MIN_PROBABILITY
        if below == probability:
            continue
        while new_total < len(recent) and recent[new_total][0] >= probability:
            new_right += recent[new_total][1]
            new_total += 1
        holds = find_lower_bound(right, total) >= target
        if holds and find_upper_bound(new_right, new_total) >= target:
            at = (probability + below) / 2
            found = Threshold(at, right / total, right / max(1, positives))
    return found


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
