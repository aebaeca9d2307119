"""A repository's own classifier: what it learned about each label, and its predictions."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bot.core.types import Certainty
from bot.learn.calibration import Calibration
from bot.learn.features import Features, Part, get_part

_SURE = 0.95

PART_WEIGHTS = {Part.TITLE: 1.0, Part.BODY: 1.0, Part.STRUCTURE: 0.6, Part.RULES: 0.6}


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


@dataclass(frozen=True, slots=True)
class Prediction:
    """A label for an issue. An "unsure" one is only suggested."""

    label: str
    probability: float
    certainty: Certainty


@dataclass(frozen=True)
class Scorer:
    """How a label's probability is computed. Labels of one `group` exclude each other; -1: none."""

    name: str
    bias: float
    scale: float  # of its weights, which are whole numbers from -127 to 127
    group: int
    calibration: Calibration


@dataclass(frozen=True)
class Weights:
    """The weights of all labels, sparse.

    Feature `numbers[n]` has the inverse document frequency `idfs[n]` and the entries from
    `starts[n]` to `starts[n + 1]`: each a label's index in `labels` and a weight in `values`.
    """

    numbers: array[int]
    idfs: array[float]
    starts: array[int]
    labels: array[int]
    values: array[int]

    @cached_property
    def positions(self) -> Mapping[int, int]:
        return {number: n for n, number in enumerate(self.numbers)}


@dataclass(frozen=True)
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
        scores = self._score(features)
        rivals = find_rivals(scores, [scorer.group for scorer in self.scorers])
        pairs = [
            (scorer, scorer.calibration.to_probability(score, rival))
            for scorer, score, rival in zip(self.scorers, scores, rivals, strict=True)
        ]
        return sorted(pairs, key=lambda pair: -pair[1])

    def _score(self, features: Features) -> list[float]:
        weights, positions = self.weights, self.weights.positions
        known = [(n, x) for number, x in features.items() if (n := positions.get(number, -1)) >= 0]
        scaled = scale({weights.numbers[n]: x * weights.idfs[n] for n, x in known})
        totals = [0.0] * len(self.scorers)
        for n, _ in known:
            value = scaled[weights.numbers[n]]
            start, end = weights.starts[n], weights.starts[n + 1]
            for label, weight in zip(
                weights.labels[start:end], weights.values[start:end], strict=True
            ):
                totals[label] += weight * value
        return [x * s.scale + s.bias for x, s in zip(totals, self.scorers, strict=True)]


def scale(features: Features) -> dict[int, float]:
    """Return features where each part of the issue has the length of its weight."""
    squares = dict.fromkeys(Part, 0.0)
    for number, value in features.items():
        squares[Part(get_part(number))] += value * value
    factors = {
        part: PART_WEIGHTS[part] / math.sqrt(square) for part, square in squares.items() if square
    }
    return {number: value * factors[Part(get_part(number))] for number, value in features.items()}


def find_rivals(scores: list[float], groups: list[int]) -> list[float]:
    """Return for each label the highest score of the others in its group; 0 without a group."""
    best: dict[int, list[float]] = {}
    for score, group in zip(scores, groups, strict=True):
        best[group] = sorted([*best.get(group, []), score], reverse=True)[:2]
    return [
        0.0 if group < 0 else best[group][best[group][0] == score]
        for score, group in zip(scores, groups, strict=True)
    ]
