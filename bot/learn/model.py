"""A repository's own classifier: what it learned about each label, and its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.text.numbers import format_share
from bot.core.types import Certainty
from bot.learn.calibration import Calibration
from bot.learn.features import Features
from bot.learn.weights import Weights

_SURE = 0.95


@dataclass(frozen=True, slots=True)
class Example:
    """An issue with its labels. `created_at` is in seconds since the epoch, 0 if unknown."""

    features: Features
    labels: tuple[str, ...]
    created_at: float


@dataclass(frozen=True, slots=True)
class LearnedLabel:
    """What is known about a label of the repository.

    Where its probability reaches `apply_at` it is applied, at `suggest_at` it is suggested; None:
    never. `precision` and `coverage` (the share of the label's issues that get it) are those at
    `apply_at` on held-out issues of the history. `why_silent` is "" unless it is silent.
    """

    name: str
    examples: int
    apply_at: float | None = None
    suggest_at: float | None = None
    precision: float | None = None
    coverage: float | None = None
    why_silent: str = ""

    def explain(self, target: float) -> str:
        """Return why the label is not applied, "" if it is."""
        if self.why_silent or self.apply_at is not None:
            return self.why_silent
        then = "left out" if self.suggest_at is None else "only suggested"
        return f"{then}: it was not right in {format_share(target)} of the cases"


@dataclass(frozen=True, slots=True)
class Prediction:
    """A label for an issue. An "unsure" one is only suggested."""

    label: str
    probability: float
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Scorer:
    """How a label's probability is computed: its weights times `scale`, and `bias`, calibrated.

    Labels of one `group` exclude each other; -1: none.
    """

    name: str
    bias: float
    scale: float
    group: int
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class RepositoryModel:
    """A model of a repository. `examples` is their number, `trained_at` seconds since the epoch."""

    labels: tuple[LearnedLabel, ...]
    examples: int
    trained_at: float
    target: float
    scorers: tuple[Scorer, ...]
    weights: Weights

    def predict(self, features: Features) -> tuple[Prediction, ...]:
        """Return the labels to apply and to suggest, the most probable first.

        Of labels that exclude each other only the most probable is applied.
        """
        known = {label.name: label for label in self.labels}
        groups: set[int] = set()
        found = []
        for scorer, probability in self._rank(features):
            label = known[scorer.name]
            is_first = scorer.group not in groups
            if scorer.group >= 0:
                groups.add(scorer.group)
            if label.apply_at is not None and probability >= label.apply_at and is_first:
                certainty: Certainty = "sure" if probability >= _SURE else "likely"
                found.append(Prediction(label.name, probability, certainty))
            elif label.suggest_at is not None and probability >= label.suggest_at:
                found.append(Prediction(label.name, probability, "unsure"))
        return tuple(found)

    def rank(self, features: Features) -> tuple[tuple[str, float], ...]:
        """Return every learned label with its probability, the highest first."""
        return tuple((scorer.name, probability) for scorer, probability in self._rank(features))

    def _rank(self, features: Features) -> list[tuple[Scorer, float]]:
        sums = self.weights.score(features, self.examples, len(self.scorers))
        scores = [x * s.scale + s.bias for x, s in zip(sums, self.scorers, strict=True)]
        rivals = find_rivals(scores, [scorer.group for scorer in self.scorers])
        pairs = [
            (scorer, scorer.calibration.to_probability(score, rival))
            for scorer, score, rival in zip(self.scorers, scores, rivals, strict=True)
        ]
        return sorted(pairs, key=lambda pair: -pair[1])


def find_rivals(scores: Sequence[float], groups: Sequence[int]) -> list[float]:
    """Return for each label the highest score of the others in its group; 0 without a group."""
    best: dict[int, list[float]] = {}
    for score, group in zip(scores, groups, strict=True):
        best[group] = sorted([*best.get(group, []), score], reverse=True)[:2]
    return [
        0.0 if group < 0 else best[group][best[group][0] == score]
        for score, group in zip(scores, groups, strict=True)
    ]
