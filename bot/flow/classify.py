"""An issue → what the repository's classifier says of it, combined with the other labellers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.core.corrections import REFUSALS, Correction, select_latest
from bot.core.labels.issue_types import TypeNames
from bot.core.labels.keywords import is_type_name
from bot.core.labels.names import fold
from bot.core.types import Certainty, Label, LabelSuggestion
from bot.learn.calibration import find_lower_bound
from bot.learn.features import Features
from bot.learn.model import LearnedLabel, RepositoryModel
from bot.learn.train import MIN_EXAMPLES

# Of a label that only the language model chose, to judge it by the latest of them.
MIN_OUTCOMES, MAX_OUTCOMES = 10, 50
# Of labelled issues: where none of so many has a label, rules only suggest it.
MIN_HISTORY = 200

# The certainty of a label by that of the language model and that of the classifier, "" where one
# does not name it. A model alone keeps its certainty while people keep its labels.
BOTH: Mapping[tuple[Certainty, Certainty], Certainty] = {
    ("sure", "sure"): "sure",
    ("sure", "likely"): "sure",
    ("likely", "sure"): "sure",
    ("likely", "likely"): "sure",
    ("unsure", "sure"): "likely",
    ("unsure", "likely"): "likely",
}
CLASSIFIER_ALONE: Certainty = "likely"
ORDER: Sequence[Certainty] = ("sure", "likely", "unsure")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a repository's classifier says of an issue.

    `labels` are those to apply and, "unsure", to suggest, the most probable first. `learned` are
    the labels of which it has seen enough examples, `unused` those that no issue of a long history
    has, `rivals` those that exclude each other, all by folded name.
    """

    labels: tuple[LabelSuggestion, ...] = ()
    learned: frozenset[str] = frozenset()
    rivals: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()

    def doubt_unused(self, label: LabelSuggestion) -> LabelSuggestion:
        """Return a label of the rules; one that a long history never uses is unsure."""
        return replace(label, certainty="unsure") if fold(label.label) in self.unused else label


def classify(
    model: RepositoryModel, features: Features, usable: Sequence[Label], precision: float
) -> Opinion:
    """Return the opinion of a repository's classifier.

    A label that did not reach `precision` on the history is only suggested, whatever the model was
    trained for.
    """
    names = {fold(label.name): label.name for label in usable}
    known = {fold(label.name): label for label in model.labels if fold(label.name) in names}
    labels = []
    for prediction in model.predict(features):
        label = known.get(fold(prediction.label))
        if label is None:  # renamed or deleted since, or not allowed any more
            continue
        reaches = precision <= model.target or _find_proven_precision(label) >= precision
        certainty = prediction.certainty if reaches else "unsure"
        reason = f"learned from {label.examples} issues with this label"
        name = names[fold(label.name)]
        score = round(prediction.probability, 3)
        labels.append(LabelSuggestion(name, certainty, reason, "classifier", score))
    groups: dict[int, set[str]] = {}
    for scorer in model.scorers:
        if scorer.group >= 0:
            groups.setdefault(scorer.group, set()).add(fold(scorer.name))
    is_long = model.examples >= MIN_HISTORY
    return Opinion(
        tuple(labels),
        frozenset(name for name, label in known.items() if label.examples >= MIN_EXAMPLES),
        {name: frozenset(group - {name}) for group in groups.values() for name in group},
        frozenset(name for name, label in known.items() if is_long and not label.examples),
    )


def _find_proven_precision(label: LearnedLabel) -> float:
    """Return the precision that the history shows for a label, as `train` compares it."""
    right = round((label.coverage or 0.0) * label.examples)
    return find_lower_bound(right, round(right / label.precision)) if label.precision else 0.0


def translate(opinion: Opinion, types: TypeNames) -> Opinion:
    """Return the opinion with a type in place of each label that means it."""
    names = {key: fold(name) for key, name in types.synonyms.items()}

    def rename(keys: Collection[str]) -> frozenset[str]:
        return frozenset(names.get(key, key) for key in keys)

    labels: dict[str, LabelSuggestion] = {}
    for label in opinion.labels:
        name = types.synonyms.get(fold(label.label), label.label)
        labels.setdefault(fold(name), replace(label, label=name))
    rivals: dict[str, frozenset[str]] = {}
    for key, others in opinion.rivals.items():
        name = names.get(key, key)
        rivals[name] = rivals.get(name, frozenset()) | rename(others) - {name}
    used = rename(opinion.learned - opinion.unused)
    unused = rename(opinion.unused) - used
    return Opinion(tuple(labels.values()), rename(opinion.learned), rivals, unused)


def combine(
    by_model: Sequence[LabelSuggestion], opinion: Opinion, doubted: Collection[str] = ()
) -> list[LabelSuggestion]:
    """Return the labels of a language model and of the classifier together.

    `doubted` are folded names that the model alone only suggests. A label that both chose has the
    classifier's source, so that the model is judged by those that it chose alone. Where the two
    contradict each other, the model counts if it is sure.
    """
    by_classifier = {fold(x.label): x for x in opinion.labels if x.certainty != "unsure"}
    combined = []
    for choice in by_model:
        other = by_classifier.pop(fold(choice.label), None)
        if other:
            certainty = BOTH[choice.certainty, other.certainty]
            agreed = replace(choice, certainty=certainty, source="classifier", score=other.score)
            combined.append(agreed)
            continue
        rivals = [x for x in by_classifier.values() if exclude_each_other(x, choice, opinion)]
        is_contradicted = bool(rivals) and choice.certainty != "sure"
        is_doubtful = is_contradicted or fold(choice.label) in doubted
        combined.append(replace(choice, certainty="unsure") if is_doubtful else choice)
    if not opinion.labels:
        return combined
    alone = [replace(x, certainty=CLASSIFIER_ALONE) for x in by_classifier.values()]
    joined = join(combined, alone, opinion)
    # The policy may take the first ones only.
    return sorted(joined, key=lambda x: (ORDER.index(x.certainty), x.source != "classifier"))


def join(
    first: Sequence[LabelSuggestion], second: Sequence[LabelSuggestion], opinion: Opinion
) -> list[LabelSuggestion]:
    """Return the labels of both; one of `second` that one of `first` excludes is unsure."""
    known = {fold(label.label) for label in first}
    kept = [label for label in first if label.certainty != "unsure"]
    joined = list(first)
    for label in second:
        if fold(label.label) in known:
            continue
        is_excluded = any(exclude_each_other(label, other, opinion) for other in kept)
        joined.append(replace(label, certainty="unsure") if is_excluded else label)
    return joined


def exclude_each_other(one: LabelSuggestion, other: LabelSuggestion, opinion: Opinion) -> bool:
    """Return whether an issue has only one of two labels: both name types, or never met."""
    if fold(other.label) in opinion.rivals.get(fold(one.label), ()):
        return True
    return is_type_name(one.label) and is_type_name(other.label)


def find_doubted_labels(corrections: Collection[Correction], precision: float) -> frozenset[str]:
    """Return the folded names of labels that count only if the classifier chose them too.

    People removed too many of those that only the language model chose, or dismissed their
    suggestions. A label that it suggested and that people set was right; of few outcomes nothing
    follows.
    """
    by_label: dict[str, list[str]] = {}
    for one in select_latest(corrections):
        if one.source == "model":
            by_label.setdefault(fold(one.label), []).append(one.verdict)
    latest = {name: verdicts[-MAX_OUTCOMES:] for name, verdicts in by_label.items()}
    return frozenset(
        name
        for name, verdicts in latest.items()
        if len(verdicts) >= MIN_OUTCOMES
        and sum(one not in REFUSALS for one in verdicts) < precision * len(verdicts)
    )
