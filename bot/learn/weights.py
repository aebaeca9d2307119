"""The weights of a model: small whole numbers, and none where they are near zero."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from bot.learn.features import HASH_BITS, Features, Part

MAX_LABELS = 100  # an index has one byte

_LEVELS = 127
_MAX_BYTES = 1_900_000
_FEATURE_BYTES, _ENTRY_BYTES = 7, 2
_PART_WEIGHTS = {
    Part.TITLE: 1.0,
    Part.BODY: 1.0,
    Part.STRUCTURE: 0.6,
    Part.RULES: 0.6,
    Part.CUES: 0.5,
}


@dataclass(frozen=True, slots=True)
class Levels:
    """The weights of one label: `scale` times a whole number from -127 to 127 in some columns."""

    scale: float
    columns: array[int]
    values: array[int]


@dataclass(frozen=True)
class Weights:
    """The weights of all labels.

    Feature `numbers[n]` was in `uses[n]` issues and has `sizes[n]` entries: each a label's index in
    `labels` and its level in `values`.
    """

    numbers: array[int]
    uses: array[int]
    sizes: array[int]
    labels: array[int]
    values: array[int]

    def score(self, features: Features, issues: int, count: int) -> list[float]:
        """Return the sum for each of `count` labels of a model of so many `issues`."""
        totals = [0.0] * count
        for number, value in scale_features(features, self.uses_by_number, issues).items():
            start, end = self._spans[number]
            entries = zip(self.labels[start:end], self.values[start:end], strict=True)
            for label, level in entries:
                totals[label] += level * value
        return totals

    @cached_property
    def uses_by_number(self) -> Mapping[int, int]:
        """Return the number of issues that have each feature."""
        return dict(zip(self.numbers, self.uses, strict=True))

    @cached_property
    def _spans(self) -> Mapping[int, tuple[int, int]]:
        ends = list(accumulate(self.sizes))
        return dict(zip(self.numbers, zip([0, *ends[:-1]], ends, strict=True), strict=True))


def scale_features(features: Features, uses: Mapping[int, int], issues: int) -> dict[int, float]:
    """Return known features with rare ones enlarged, each part of the issue as long as its weight.

    `uses` has the number of issues, of so many `issues`, that have a feature.
    """
    squares = [0.0] * len(Part)
    values = {}
    for number, weight in features.items():
        if count := uses.get(number, 0):
            values[number] = value = weight * (1 + math.log((1 + issues) / (1 + count)))
            squares[number >> HASH_BITS] += value * value
    factors = [_PART_WEIGHTS[part] / math.sqrt(squares[part] or 1.0) for part in Part]
    return {number: value * factors[number >> HASH_BITS] for number, value in values.items()}


def quantize(weights: Sequence[float]) -> Levels:
    """Return weights as levels, without those that are nearly zero."""
    scale = max(map(abs, weights), default=0.0) / _LEVELS or 1.0
    levels = [(n, level) for n, x in enumerate(weights) if (level := round(x / scale))]
    return Levels(scale, array("I", (n for n, _ in levels)), array("b", (x for _, x in levels)))


def join(levels: Sequence[Levels], numbers: Sequence[int], uses: Sequence[int]) -> Weights:
    """Return the weights of all labels in a limited size: where it is too small, large ones only.

    Column n of the levels is feature `numbers[n]`, which was in `uses[n]` issues.
    """
    smallest = _find_smallest(levels, len(numbers))
    entries: dict[int, list[tuple[int, int]]] = {}
    for label, one in enumerate(levels):
        for column, value in zip(one.columns, one.values, strict=True):
            if abs(value) >= smallest:
                entries.setdefault(column, []).append((label, value))
    joined = Weights(array("I"), array("H"), array("B"), array("B"), array("b"))
    for column, pairs in sorted(entries.items()):
        joined.numbers.append(numbers[column])
        joined.uses.append(uses[column])
        joined.sizes.append(len(pairs))
        joined.labels.extend(label for label, _ in pairs)
        joined.values.extend(value for _, value in pairs)
    return joined


def _find_smallest(levels: Sequence[Levels], columns: int) -> int:
    """Return the smallest level for which there is room."""
    sizes, largest = [0] * (_LEVELS + 2), bytearray(columns)
    for one in levels:
        for column, value in zip(one.columns, one.values, strict=True):
            sizes[abs(value)] += _ENTRY_BYTES
            largest[column] = max(largest[column], abs(value))
    for value in largest:
        sizes[value] += _FEATURE_BYTES
    smallest, total = _LEVELS + 1, 0
    while smallest > 1 and total + sizes[smallest - 1] <= _MAX_BYTES:
        smallest -= 1
        total += sizes[smallest]
    return smallest
