"""The classifier's labels, alone and together with a language model's and with rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.corrections import Correction, Verdict
from bot.core.labels.names import fold
from bot.core.types import Certainty, Label, LabelSuggestion, Source
from bot.flow.classify import Opinion, classify, combine, find_doubted_labels, join
from bot.learn.features import extract_features
from tests.fakes import NOW
from tests.history import TOPICS, WOBBLES, make_classifier

USABLE = [Label(name) for name in (*TOPICS, "bug")]


def suggestion(label: str, certainty: Certainty, source: Source = "model") -> LabelSuggestion:
    return LabelSuggestion(label, certainty, source=source)


def opinion(*labels: tuple[str, Certainty]) -> Opinion:
    found = tuple(suggestion(*label, "classifier") for label in labels)
    return Opinion(found, frozenset(fold(name) for name, _ in labels))


def shown(labels: list[LabelSuggestion]) -> list[tuple[str, str, str]]:
    return [(x.label, x.certainty, x.source) for x in labels]


@pytest.mark.parametrize(
    ("by_model", "by_classifier", "result"),
    [
        ("sure", "likely", ("sure", "classifier")),
        ("likely", "sure", ("sure", "classifier")),
        ("likely", "likely", ("sure", "classifier")),
        ("unsure", "likely", ("likely", "classifier")),
        ("unsure", "sure", ("likely", "classifier")),
        ("sure", "unsure", ("sure", "model")),
        ("likely", "unsure", ("likely", "model")),
        ("unsure", "unsure", ("unsure", "model")),
        ("sure", None, ("sure", "model")),
        ("likely", None, ("likely", "model")),
        ("unsure", None, ("unsure", "model")),
        (None, "sure", ("likely", "classifier")),
        (None, "likely", ("likely", "classifier")),
    ],
)
def test_the_certainty_of_a_label_follows_from_both(
    by_model: Certainty | None, by_classifier: Certainty | None, result: tuple[str, str]
) -> None:
    model = [suggestion("crash", by_model)] if by_model else []
    other = opinion(("Crash", by_classifier)) if by_classifier else Opinion()
    (found,) = combine(model, other)
    assert (found.certainty, found.source) == result


def test_what_only_the_classifier_finds_possible_is_not_suggested_beside_a_model() -> None:
    assert combine([], opinion(("crash", "unsure"))) == []


def test_labels_of_a_model_that_people_remove_count_only_with_the_classifier() -> None:
    choices = [suggestion("crash", "sure"), suggestion("docs", "sure")]
    found = combine(choices, opinion(("docs", "likely")), {"crash"})
    assert shown(found) == [("docs", "sure", "classifier"), ("crash", "unsure", "model")]


def test_of_labels_that_contradict_each_other_only_one_is_applied() -> None:
    likely, sure = suggestion("bug", "likely"), suggestion("bug", "sure")
    other = opinion(("question", "likely"))
    assert shown(combine([likely], other)) == [
        ("question", "likely", "classifier"),
        ("bug", "unsure", "model"),
    ]
    assert shown(combine([sure], other)) == [
        ("bug", "sure", "model"),
        ("question", "unsure", "classifier"),
    ]


def test_labels_that_never_met_in_the_history_exclude_each_other() -> None:
    rivals = {"linux": frozenset({"windows"}), "windows": frozenset({"linux"})}
    known = replace(opinion(("linux", "likely")), rivals=rivals)
    first = [suggestion("windows", "likely", "rules"), suggestion("ui", "likely", "rules")]
    assert shown(join(first, known.labels, known))[2:] == [("linux", "unsure", "classifier")]
    assert shown(join(known.labels, first, known))[1:] == [
        ("windows", "unsure", "rules"),
        ("ui", "likely", "rules"),
    ]


def test_an_issue_gets_what_the_history_teaches() -> None:
    features = extract_features(WOBBLES, "It squeaks.")
    found = classify(make_classifier(), features, USABLE, 0.9)
    assert found.labels[0].label == "regression"
    assert found.labels[0].certainty in ("likely", "sure")
    assert found.labels[0].reason == "learned from 40 issues with this label"
    assert found.learned == frozenset(TOPICS)


def test_a_label_that_was_renamed_deleted_or_denied_since_is_left_out() -> None:
    features = extract_features(WOBBLES, "It squeaks.")
    usable = [label for label in USABLE if label.name != "regression"]
    found = classify(make_classifier(), features, usable, 0.9)
    assert "regression" not in [label.label for label in found.labels]
    assert found.learned == frozenset(TOPICS) - {"regression"}


def test_a_label_keeps_the_spelling_that_the_repository_has_now() -> None:
    features = extract_features(WOBBLES, "It squeaks.")
    found = classify(make_classifier(), features, [Label("Regression")], 0.9)
    assert [label.label for label in found.labels] == ["Regression"]


def test_a_higher_precision_holds_at_once() -> None:
    model, features = make_classifier(0.9), extract_features(WOBBLES, "It squeaks.")
    # 40 of 40 issues of the history were right.
    for precision, expected in ((0.97, {"likely", "sure"}), (0.99, {"unsure"})):
        found = classify(model, features, USABLE, precision)
        assert found.labels[0].certainty in expected


def verdicts(*counts: tuple[Verdict, int, str]) -> list[Correction]:
    numbers = iter(range(1, 1000))
    return [
        Correction(n, "crash", verdict, NOW + n, source, "likely")
        for verdict, count, source in counts
        for n in [next(numbers) for _ in range(count)]
    ]


@pytest.mark.parametrize(
    ("corrections", "doubted"),
    [
        ([], set()),
        (verdicts(("removed", 9, "model")), set()),
        (verdicts(("removed", 10, "model")), {"crash"}),
        (verdicts(("kept", 9, "model"), ("removed", 1, "model")), set()),
        (verdicts(("kept", 8, "model"), ("removed", 2, "model")), {"crash"}),
        (verdicts(("approved", 9, "model"), ("dismissed", 1, "model")), set()),
        (verdicts(("kept", 8, "model"), ("dismissed", 2, "model")), {"crash"}),
        (verdicts(("removed", 20, "classifier"), ("removed", 20, "rules")), set()),
        (verdicts(("removed", 20, "model"), ("kept", 45, "model")), set()),
        (verdicts(("removed", 20, "model"), ("added", 50, "model")), set()),
    ],
)
def test_a_label_of_the_model_is_doubted_while_people_remove_it(
    corrections: list[Correction], doubted: set[str]
) -> None:
    assert find_doubted_labels(corrections, 0.9) == doubted
