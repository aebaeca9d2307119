"""Sets the bars of types: the probabilities from which a label is right often enough.

They are set on issues of repositories that the weights have not seen, in their natural mixes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.core.labels.keywords import TYPES, Bars, Scores
from tests.accuracy.datasets import TypedIssue

LIKELY, SURE = 0.88, 0.92  # precision of bugs and feature requests together
MIN_LABELS = 10  # that a bar rests on
NEVER = 1.01  # a bar that no probability reaches
# Set by hand: questions are too rare in natural mixes for a bar of their own that would be stable.
OF_QUESTIONS = Bars(0.60, NEVER)


class Scored(NamedTuple):
    issue: TypedIssue
    scores: Scores


def set_bars(scored: Sequence[Scored]) -> dict[str, Bars]:
    """Return the bars of each type."""
    labels = []
    for issue, scores in scored:
        concept = max(TYPES, key=scores.__getitem__)
        if issue.mix == "natural" and concept != "question":
            labels.append((scores[concept], issue.concept == concept))
    bars = Bars(_find_bar(labels, LIKELY), _find_bar(labels, SURE))
    return {**dict.fromkeys(TYPES, bars), "question": OF_QUESTIONS}


def _find_bar(labels: Sequence[tuple[float, bool]], precision: float) -> float:
    """Return the lowest probability, in hundredths, from which labels are right that often."""
    for hundredth in range(34, 100):
        right = [is_right for score, is_right in labels if score >= hundredth / 100]
        if len(right) >= MIN_LABELS and sum(right) / len(right) >= precision:
            return hundredth / 100
    return NEVER
