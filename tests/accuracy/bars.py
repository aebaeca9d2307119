"""Sets the bars of types: the probabilities from which a label was right often enough.

They are set on issues of repositories that the weights have not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.core.labels.cues import DECLARED
from bot.core.labels.keywords import TYPES, Bars, Scores, choose_type
from tests.accuracy.datasets import Mix, TypedIssue

SURE = 0.92  # precision
MIN_LABELS = 10  # that a bar rests on
NEVER = 1.01  # a bar that no probability reaches


@dataclass(frozen=True, slots=True)
class Aim:
    """The precision that labels of these types must reach together in these mixes."""

    types: frozenset[str]
    mixes: frozenset[Mix]
    precision: float


class Scored(NamedTuple):
    issue: TypedIssue
    scores: Scores


# Questions are too rare in most natural mixes to set a bar on these alone.
AIMS = (
    Aim(frozenset({"bug", "feature-request"}), frozenset({"natural"}), 0.88),
    Aim(frozenset({"question"}), frozenset({"natural", "balanced"}), 0.77),
)


def set_bars(scored: Sequence[Scored]) -> dict[str, Bars]:
    """Return the bars of each type."""
    bars = {concept: _set_bars_for(aim, scored) for aim in AIMS for concept in aim.types}
    return {concept: bars[concept] for concept in TYPES}


def _set_bars_for(aim: Aim, scored: Sequence[Scored]) -> Bars:
    always = dict.fromkeys(TYPES, Bars(0.0, 0.0))
    users = {one.issue.repository for one in scored if one.issue.concept in aim.types}
    labels = []
    for issue, scores in scored:
        concept, certainty = choose_type(scores, always, issue.cues)
        is_meant = concept in aim.types and certainty != "unsure"
        # Declared types are mostly right at any bar, and few repositories ask for them.
        is_declared = any(cue.part == DECLARED for cue in issue.cues)
        is_used = issue.mix in aim.mixes and issue.repository in users
        if is_meant and is_used and not is_declared:
            labels.append((scores[concept], issue.concept == concept))
    return Bars(_find_bar(labels, aim.precision), _find_bar(labels, SURE))


def _find_bar(labels: Sequence[tuple[float, bool]], precision: float) -> float:
    """Return the lowest probability, in hundredths, from which labels are right that often."""
    for hundredth in range(34, 100):
        right = [is_right for score, is_right in labels if score >= hundredth / 100]
        if len(right) >= MIN_LABELS and sum(right) / len(right) >= precision:
            return hundredth / 100
    return NEVER
