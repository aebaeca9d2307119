"""Trains a repository's classifier on its labelled issues.

Each label gets a linear separator. Its scores for held-out issues, a fifth of the history at a
time, show how probable the label is at a score, and from which probability it is right often
enough to be applied; where it has few cases, those of all labels count too. The newest fifth is
predicted once more, from what came before it: where the label is not right there, its threshold is
raised.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from bot.core.labels import keywords
from bot.core.labels.process import is_process_label
from bot.core.types import Label
from bot.learn.calibration import (
    Calibration,
    Counts,
    Outcome,
    ProbableOutcome,
    Threshold,
    calibrate_all,
    find_threshold,
)
from bot.learn.features import Features, Part, hash_feature, split_words
from bot.learn.groups import find_groups
from bot.learn.linear import FIRST_COLUMN, Prior, Row, Separator, make_row
from bot.learn.model import Example, LearnedLabel, RepositoryModel, Scorer, find_rivals
from bot.learn.weights import MAX_LABELS, Levels, join, quantize, scale_features

MIN_EXAMPLES = 8
MAX_EXAMPLES = 2_000

_FOLDS = 5
_MAX_SORTED = 0.5
_COST = 0.5  # of an error
_MAX_BALANCE = 10.0
_NAME_WEIGHT, _DESCRIPTION_WEIGHT, _RULE_WEIGHT = 1.0, 0.1, 1.0
_COUNT_WEIGHT = 0.1
_SUGGEST_AT = 0.35


@dataclass(frozen=True, slots=True)
class _Table:
    """The history as rows; feature `numbers[n]`, in `uses[n]` issues, has column 2 + n."""

    numbers: list[int]
    uses: list[int]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What was fitted for a label.

    `held_out` are scores of all issues by weights fitted without them, `newest` scores of the
    newest issues by weights fitted to those before them.
    """

    bias: float
    levels: Levels
    held_out: list[float]
    newest: list[float]


def train(
    examples: Sequence[Example], labels: Sequence[Label], target: float, trained_at: float
) -> RepositoryModel:
    """Return a model of `labels`, which the bot may set, from issues in any order.

    Where their times are equal, the order of `examples` is that of time. `target` is the precision
    that a label must reach on held-out issues to be applied. The same input gives the same model.
    """
    history = sorted(examples, key=lambda example: example.created_at)[-MAX_EXAMPLES:]
    counts = Counter(name for example in history for name in set(example.labels))
    excluded = _explain_exclusions(labels, counts)
    by_name = {label.name: label for label in labels}  # a project and its group may share a name
    learned = [label for name, label in by_name.items() if not excluded[name]]
    learned.sort(key=lambda label: -counts[label.name])
    names = [label.name for label in learned]
    table = _make_table([example.features for example in history])
    groups = find_groups([example.labels for example in history], names)
    fitted = [_fit(table, history, label) for label in learned]
    calibrations, thresholds = _judge(fitted, history, names, groups, target)
    described = {
        name: _describe(name, counts[name], threshold)
        for name, threshold in zip(names, thresholds, strict=True)
    }
    return RepositoryModel(
        labels=tuple(
            described.get(name) or LearnedLabel(name, counts[name], why_silent=why)
            for name, why in excluded.items()
        ),
        examples=len(history),
        trained_at=trained_at,
        target=target,
        scorers=tuple(
            Scorer(name, one.bias, one.levels.scale, group, calibration)
            for name, one, group, calibration in zip(
                names, fitted, groups, calibrations, strict=True
            )
        ),
        weights=join([one.levels for one in fitted], table.numbers, table.uses),
    )


def _explain_exclusions(labels: Sequence[Label], counts: Counter[str]) -> dict[str, str]:
    """Return why each label is not learned, "" if it is."""
    reasons = {label.name: _explain_exclusion(label.name, counts[label.name]) for label in labels}
    usable = sorted((name for name, why in reasons.items() if not why), key=lambda x: -counts[x])
    too_many = f"only the {MAX_LABELS} most frequent labels are learned"
    return reasons | dict.fromkeys(usable[MAX_LABELS:], too_many)


def _explain_exclusion(name: str, count: int) -> str:
    if is_process_label(name):
        return "it is about the work on an issue, which the text of a new issue does not show"
    if not count:
        return "no labelled issue has it"
    if count < MIN_EXAMPLES:
        verb = "issue has" if count == 1 else "issues have"
        return f"only {count} labelled {verb} it, {MIN_EXAMPLES} are needed"
    return ""


def _make_table(history: Sequence[Features]) -> _Table:
    counts = Counter(number for features in history for number in features)
    numbers = sorted(counts)
    columns = {number: n for n, number in enumerate(numbers, FIRST_COLUMN)}
    rows = []
    for features in history:
        scaled = scale_features(features, counts, len(history))
        rows.append(make_row({columns[number]: value for number, value in scaled.items()}))
    return _Table(numbers, [counts[number] for number in numbers], rows)


def _fit(table: _Table, history: Sequence[Example], label: Label) -> _Fitted:
    signs = [1 if label.name in example.labels else -1 for example in history]
    positives = signs.count(1)
    balance = min(_MAX_BALANCE, math.sqrt((len(signs) - positives + 1) / positives))
    costs = [_COST * balance if sign > 0 else _COST for sign in signs]
    separator = Separator(table.rows, signs, costs, _make_prior(table, label, signs))
    held_out = [0.0] * len(history)
    for k in range(_FOLDS):
        fold = range(k, len(history), _FOLDS)
        for n, score in zip(fold, separator.score_without(fold), strict=True):
            held_out[n] = score
    newest = separator.score_without(range(_find_newest(history), len(history)))
    bias, _, *weights = separator.weights
    return _Fitted(bias, quantize(weights), held_out, newest)


def _make_prior(table: _Table, label: Label, signs: Sequence[int]) -> Prior:
    """Return the prior of a label's weights.

    Words of its name and description and what the rules find count for it, and so does each feature
    that more of its issues have than chance would give.
    """
    known = _weigh_name(label)
    base = [0.0] * FIRST_COLUMN + [known.get(number, 0.0) for number in table.numbers]
    uses = [0] * FIRST_COLUMN + table.uses
    own = [0] * len(uses)
    for row, sign in zip(table.rows, signs, strict=True):
        if sign > 0:
            _count(own, row, 1)

    def prior(held_out: Sequence[int]) -> list[float]:
        with_label, in_all = own.copy(), uses.copy()
        for n in held_out:
            _count(in_all, table.rows[n], -1)
            if signs[n] > 0:
                _count(with_label, table.rows[n], -1)
        positives = signs.count(1) - sum(signs[n] > 0 for n in held_out)
        share = positives / max(1, len(signs) - len(held_out))
        return [
            weight + _COUNT_WEIGHT * math.log((seen + 1) / (count * share + 1)) if count else weight
            for weight, seen, count in zip(base, with_label, in_all, strict=True)
        ]

    return prior


def _count(counts: list[int], row: Row, step: int) -> None:
    for column in row.columns[FIRST_COLUMN:]:
        counts[column] += step


def _weigh_name(label: Label) -> dict[int, float]:
    weights: dict[int, float] = {}
    texts = ((label.description, _DESCRIPTION_WEIGHT), (label.name, _NAME_WEIGHT))
    for words, weight in ((split_words(text), weight) for text, weight in texts):
        for word in words:
            for part in (Part.TITLE, Part.BODY):
                weights[hash_feature(part, word)] = weight / len(words)
    for concept in (*keywords.TYPES, *keywords.COMMON_TAGS):
        if keywords.label_for(concept, [label.name]):
            weights[hash_feature(Part.RULES, concept)] = _RULE_WEIGHT
    return weights


def _judge(
    fitted: Sequence[_Fitted],
    history: Sequence[Example],
    names: Sequence[str],
    groups: Sequence[int],
    target: float,
) -> tuple[list[Calibration], list[Threshold | None]]:
    """Return the calibration of each label, and from which probability it is applied."""
    held_out = _compare([one.held_out for one in fitted], history, names, groups)
    recent = [] if _is_sorted_by_label(history) else history[_find_newest(history) :]
    newest = _compare([one.newest[: len(recent)] for one in fitted], recent, names, groups)
    calibrations = calibrate_all(held_out)
    outcomes = _rate(held_out, calibrations, groups)
    recent_outcomes = _rate(newest, calibrations, groups)
    together = Counts(chain.from_iterable(outcomes))
    thresholds = [
        find_threshold(outcome, recent_outcome, target, together)
        for outcome, recent_outcome in zip(outcomes, recent_outcomes, strict=True)
    ]
    return calibrations, thresholds


def _find_newest(history: Sequence[Example]) -> int:
    """Return the index of the first of the newest issues."""
    return len(history) - len(history) // _FOLDS


def _is_sorted_by_label(history: Sequence[Example]) -> bool:
    """Return whether the issues were collected label by label: then no drift can be seen.

    Compares how many neighbours in time have the same labels with what chance would give.
    """
    size = len(history)
    same = sum(a.labels == b.labels for a, b in pairwise(history)) / max(1, size - 1)
    counts = Counter(example.labels for example in history).values()
    chance = sum(n * (n - 1) for n in counts) / max(1, size * (size - 1))
    return same - chance > _MAX_SORTED * (1 - chance)


def _compare(
    scores: Sequence[Sequence[float]],
    history: Sequence[Example],
    names: Sequence[str],
    groups: Sequence[int],
) -> list[list[Outcome]]:
    """Return for each label its scores beside those of its rivals and what is right."""
    outcomes: list[list[Outcome]] = [[] for _ in names]
    for n, example in enumerate(history):
        row = [one[n] for one in scores]
        rivals = find_rivals(row, groups)
        for own, name, score, rival in zip(outcomes, names, row, rivals, strict=True):
            own.append(Outcome(score, rival, name in example.labels))
    return outcomes


def _rate(
    outcomes: Sequence[Sequence[Outcome]],
    calibrations: Sequence[Calibration],
    groups: Sequence[int],
) -> list[list[ProbableOutcome]]:
    """Return each label's probabilities with what is right, 0 where a rival is more probable."""
    rated = [
        [calibration.to_probability(x.score, x.rival) for x in one]
        for one, calibration in zip(outcomes, calibrations, strict=True)
    ]
    best = {
        group: [max(column) for column in zip(*members, strict=True)]
        for group in set(groups) - {-1}
        if (members := [one for one, x in zip(rated, groups, strict=True) if x == group])
    }
    return [
        [
            (0.0 if group in best and probability < best[group][n] else probability, x.is_right)
            for n, (probability, x) in enumerate(zip(probabilities, one, strict=True))
        ]
        for probabilities, one, group in zip(rated, outcomes, groups, strict=True)
    ]


def _describe(name: str, count: int, threshold: Threshold | None) -> LearnedLabel:
    if threshold is None:
        return LearnedLabel(name, count, suggest_at=_SUGGEST_AT)
    return LearnedLabel(
        name, count, threshold.at, _SUGGEST_AT, threshold.precision, threshold.coverage
    )
