"""Trains a repository's classifier on its labelled issues, the oldest first.

Each label gets a linear separator. Its scores for held-out issues, a fifth of the history at a
time, show how probable the label is at a score, and from which probability it is right often
enough to be applied.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.labels import keywords
from bot.core.labels.cues import load_phrases
from bot.core.labels.process import is_process_label
from bot.core.types import Label
from bot.learn.calibration import (
    DEFAULT,
    Calibration,
    Outcome,
    Threshold,
    calibrate,
    find_threshold,
)
from bot.learn.features import Features, Part, hash_feature, split_words
from bot.learn.groups import find_groups
from bot.learn.linear import Row, Separator, make_row
from bot.learn.model import (
    Example,
    LearnedLabel,
    RepositoryModel,
    Scorer,
    Weights,
    find_rivals,
    scale,
)

MIN_EXAMPLES = 8
MAX_EXAMPLES = 2_000
MAX_LABELS = 100
_FOLDS = 5
_MIN_USES = 2  # of a feature in the history
_COST = 1.0
_SUGGEST_AT = 0.35
_MAX_ENTRIES = 500_000  # three bytes each
_LEVELS = 127
_NAME_WEIGHT, _DESCRIPTION_WEIGHT, _RULE_WEIGHT = 0.5, 0.1, 0.7
_MIN_PROBABILITY_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class _Table:
    """The history as rows: column `n + 2` is feature `numbers[n]`."""

    numbers: list[int]
    idfs: list[float]
    rows: list[Row]

    @property
    def width(self) -> int:
        return len(self.numbers) + 2


def train(
    examples: Sequence[Example], labels: Sequence[Label], target: float, trained_at: float
) -> RepositoryModel:
    """Return a model of the labels that the bot may set, from issues in any order.

    Where times are equal, the order of `examples` holds. `target` is the precision which a label
    must reach on held-out issues to be applied. The same input gives the same model.
    """
    history = sorted(examples, key=lambda example: example.created_at)[-MAX_EXAMPLES:]
    counts = Counter(name for example in history for name in dict.fromkeys(example.labels))
    silent = {label.name: _explain_exclusion(label, counts[label.name]) for label in labels}
    usable = [x for x in dict.fromkeys(labels) if not silent[x.name]]
    learned = sorted(usable, key=lambda label: -counts[label.name])[:MAX_LABELS]
    names = [label.name for label in learned]
    table = _make_table([example.features for example in history])
    groups = find_groups([example.labels for example in history], names)
    fitted = [_fit(table, history, label) for label in learned]
    scores = [list(x) for x in zip(*(scores for _, scores in fitted), strict=True)]
    rivals = [find_rivals(row, groups) for row in scores]
    outcomes = [
        [
            Outcome(scores[n][k], rivals[n][k], name in example.labels)
            for n, example in enumerate(history)
        ]
        for k, name in enumerate(names)
    ]
    calibrations = _calibrate_all(outcomes)
    thresholds = _find_thresholds(outcomes, calibrations, groups, target)
    scorers, weights = _quantize(names, [w for w, _ in fitted], table, groups, calibrations)
    described = {
        name: _describe(name, counts[name], threshold)
        for name, threshold in zip(names, thresholds, strict=True)
    }
    too_many = f"only the {MAX_LABELS} most frequent labels are learned"
    everything = tuple(
        described.get(name) or LearnedLabel(name, counts[name], why_silent=why or too_many)
        for name, why in silent.items()
    )
    return RepositoryModel(everything, len(history), trained_at, target, scorers, weights)


def _explain_exclusion(label: Label, count: int) -> str:
    """Return why a label is not learned, "" if it is."""
    if is_process_label(label.name):
        return "it is about the work on an issue, which a new issue's text does not show"
    if not count:
        return "no labelled issue has it"
    if count < MIN_EXAMPLES:
        return f"only {count} labelled issues have it, {MIN_EXAMPLES} are needed"
    return ""


def _make_table(history: Sequence[Features]) -> _Table:
    """Return the history as rows of the features that occur often enough."""
    uses = Counter(number for features in history for number in features)
    numbers = sorted(number for number, count in uses.items() if count >= _MIN_USES)
    idfs = [round(1 + math.log((1 + len(history)) / (1 + uses[n])), 2) for n in numbers]
    columns = {number: n for n, number in enumerate(numbers)}
    rows = []
    for features in history:
        known = {n: x * idfs[columns[n]] for n, x in features.items() if n in columns}
        rows.append(make_row({columns[n] + 2: x for n, x in scale(known).items()}))
    return _Table(numbers, idfs, rows)


def _fit(
    table: _Table, history: Sequence[Example], label: Label
) -> tuple[list[float], list[float]]:
    """Return the weights for a label, and the scores of issues by weights fitted without them."""
    signs = [1 if label.name in example.labels else -1 for example in history]
    positives = signs.count(1)
    balance = min(10.0, math.sqrt((len(signs) - positives + 1) / positives))
    costs = [_COST * balance if sign > 0 else _COST for sign in signs]
    separator = Separator(table.rows, signs, costs)
    separator.fit(_make_prior(table, label))
    size = len(history) / _FOLDS
    folds = [range(round(k * size), round((k + 1) * size)) for k in range(_FOLDS)]
    scores = [score for fold in folds for score in separator.score_without(fold)]
    return separator.weights, scores


def _make_prior(table: _Table, label: Label) -> list[float]:
    """Return weights for the words of a label's name and description, and for what rules find."""
    prior: dict[int, float] = {}
    for text, weight in (
        (label.description, _DESCRIPTION_WEIGHT),
        (label.name, _NAME_WEIGHT),
    ):
        words = split_words(text)
        for part in (Part.TITLE, Part.BODY):
            for word in words:
                prior[hash_feature(part, word)] = weight / len(words)
    for concept in (*keywords.TYPES, *load_phrases().topics):
        is_meant = keywords.label_for(concept, [label.name]) is not None
        if is_meant:
            prior[hash_feature(Part.RULES, concept)] = _RULE_WEIGHT
    weights = [0.0] * table.width
    for n, number in enumerate(table.numbers):
        weights[n + 2] = prior.get(number, 0.0)
    return weights


def _calibrate_all(outcomes: Sequence[Sequence[Outcome]]) -> list[Calibration]:
    """Return the calibration of each label, drawn to that of all labels together."""
    together = [outcome for one in outcomes for outcome in one]
    step = max(1, len(together) // 10_000)
    common = calibrate(together[::step], DEFAULT, 1.0)
    return [calibrate(one, common, 4.0) for one in outcomes]


def _find_thresholds(
    outcomes: Sequence[Sequence[Outcome]],
    calibrations: Sequence[Calibration],
    groups: Sequence[int],
    target: float,
) -> list[Threshold | None]:
    """Return from which probability each label is applied."""
    probabilities = [
        [calibration.to_probability(x.score, x.rival) for x in one]
        for one, calibration in zip(outcomes, calibrations, strict=True)
    ]
    found = []
    for k, one in enumerate(outcomes):
        rivals = [j for j, group in enumerate(groups) if group == groups[k] >= 0 and j != k]
        cases = []
        for n, outcome in enumerate(one):
            own = probabilities[k][n]
            beaten = any(probabilities[j][n] > own for j in rivals)
            cases.append((0.0 if beaten else own, outcome.is_right))
        threshold = find_threshold(cases, len(cases) // _FOLDS, target)
        found.append(threshold if threshold and threshold.at > _MIN_PROBABILITY_STEP else None)
    return found


def _describe(name: str, count: int, threshold: Threshold | None) -> LearnedLabel:
    if threshold is None:
        return LearnedLabel(name, count, suggest_at=_SUGGEST_AT)
    at = threshold.at
    return LearnedLabel(
        name, count, at, min(at, _SUGGEST_AT), threshold.precision, threshold.coverage
    )


def _quantize(
    names: Sequence[str],
    fitted: Sequence[Sequence[float]],
    table: _Table,
    groups: Sequence[int],
    calibrations: Sequence[Calibration],
) -> tuple[tuple[Scorer, ...], Weights]:
    """Return the weights as small whole numbers, the smallest left out where there are too many."""
    scales = [max(map(abs, weights[2:]), default=0.0) / _LEVELS or 1.0 for weights in fitted]
    levels = [
        [round(w / s) for w in weights[2:]] for weights, s in zip(fitted, scales, strict=True)
    ]
    sizes = Counter(abs(level) for one in levels for level in one if level)
    smallest, kept = _LEVELS + 1, 0
    while smallest > 1 and kept + sizes[smallest - 1] <= _MAX_ENTRIES:
        smallest -= 1
        kept += sizes[smallest]
    numbers, idfs, starts = array("I"), array("f"), array("I", [0])
    labels, values = array("H"), array("b")
    for n, number in enumerate(table.numbers):
        entries = [(k, one[n]) for k, one in enumerate(levels) if abs(one[n]) >= smallest]
        numbers.append(number)
        idfs.append(table.idfs[n])
        labels.extend(k for k, _ in entries)
        values.extend(level for _, level in entries)
        starts.append(len(labels))
    scorers = tuple(
        Scorer(name, weights[0], scale_, group, calibration)
        for name, weights, scale_, group, calibration in zip(
            names, fitted, scales, groups, calibrations, strict=True
        )
    )
    return scorers, Weights(numbers, idfs, starts, labels, values)
