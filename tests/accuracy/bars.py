"""Sets the bars of types: the probabilities from which a label was right often enough.

They are set on issues of repositories that the weights have not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.core.labels.keywords import TYPES, Bars, Scores, choose_type
from tests.accuracy.datasets import Mix, TypedIssue

LIKELY = {"bug": 0.88, "feature-request": 0.875, "question": 0.80}  # precision from a bar on
SURE = 0.92
MIN_LABELS = 10  # that a bar rests on
NEVER = 1.01  # a bar that no probability reaches
# Questions are too rare in most natural mixes to set a bar on these alone.
MIXES: dict[str, frozenset[Mix]] = {
    "bug": frozenset({"natural"}),
    "feature-request": frozenset({"natural"}),
    "question": frozenset({"natural", "balanced"}),
}


class Scored(NamedTuple):
    issue: TypedIssue
    scores: Scores


def set_bars(scored: Sequence[Scored]) -> dict[str, Bars]:
    """Return the bars of each type."""
    return {concept: _set_bars_of(concept, scored) for concept in TYPES}


def _set_bars_of(concept: str, scored: Sequence[Scored]) -> Bars:
    always = dict.fromkeys(TYPES, Bars(0.0, 0.0))
    users = {one.issue.repository for one in scored if one.issue.concept == concept}
    labels = sorted(
        (
            (one.scores[concept], one.issue.concept == concept)
            for one in scored
            if one.issue.mix in MIXES[concept]
            and one.issue.repository in users
            and choose_type(one.scores, always, one.issue.cues) == (concept, "sure")
        ),
        reverse=True,
    )
    return Bars(_find_bar(labels, LIKELY[concept]), _find_bar(labels, SURE))


def _find_bar(labels: Sequence[tuple[float, bool]], precision: float) -> float:
    """Return the lowest probability, in hundredths, from which labels are right that often."""
    for hundredth in range(34, 100):
        right = [is_right for score, is_right in labels if score >= hundredth / 100]
        if len(right) >= MIN_LABELS and sum(right) / len(right) >= precision:
            return hundredth / 100
    return NEVER
