"""A history of any kind gives a model, and the labels that it cannot teach say why."""

from __future__ import annotations

import pytest

from bot.core.types import Label
from bot.learn.codec import dump, load
from bot.learn.features import extract_features
from bot.learn.model import Example, RepositoryModel
from bot.learn.train import MAX_EXAMPLES, train
from bot.learn.weights import MAX_LABELS

BUG, WISH = Label("bug"), Label("feature")


def make_example(title: str, *labels: str, body: str = "", at: float = 0.0) -> Example:
    return Example(extract_features(title, body), labels, at)


def make_pairs(
    count: int, crash: str = "The window crashes", wish: str = "Add an option"
) -> list[Example]:
    examples = []
    for n in range(count):
        examples.append(make_example(f"{crash} {n}", "bug", at=2.0 * n))
        examples.append(make_example(f"{wish} {n}", "feature", at=2.0 * n + 1))
    return examples


def learn(examples: list[Example], *labels: Label, target: float = 0.9) -> RepositoryModel:
    return train(examples, labels or (BUG, WISH), target, trained_at=0.0)


def explain(model: RepositoryModel) -> dict[str, str]:
    return {label.name: label.why_silent for label in model.labels}


@pytest.mark.parametrize(
    "examples",
    [
        [],
        [make_example("The window crashes")] * 20,
        [make_example("", at=1.0)] * 20,
        [make_example("The window crashes", "deleted")] * 20,
    ],
    ids=["no issues", "no labels", "no text", "labels that no longer exist"],
)
def test_a_history_that_teaches_nothing_leaves_every_label_silent(examples: list[Example]) -> None:
    model = learn(examples)

    assert explain(model) == dict.fromkeys(("bug", "feature"), "no labelled issue has it")
    assert model.predict(extract_features("The window crashes", "")) == ()
    assert model.rank(extract_features("The window crashes", "")) == ()
    assert load(dump(model)) == model


def test_labels_of_the_same_name_are_one_label() -> None:
    model = learn(make_pairs(30), BUG, Label("bug", "of the group"), WISH)

    assert [label.name for label in model.labels] == ["bug", "feature"]
    predicted = model.predict(extract_features("The window crashes", ""))
    assert [prediction.label for prediction in predicted] == ["bug"]


def test_a_repository_without_labels_has_an_empty_model() -> None:
    assert train([make_example("Crash", "bug")] * 20, (), 0.9, 0.0).labels == ()


def test_a_label_that_was_deleted_or_renamed_since_is_not_learned() -> None:
    model = learn(make_pairs(10), Label("defect"), WISH)

    assert [label.name for label in model.labels] == ["defect", "feature"]
    ranked = model.rank(extract_features("The window crashes", ""))
    assert [name for name, _ in ranked] == ["feature"]


def test_with_one_label_on_every_issue_it_is_known_as_frequent() -> None:
    examples = [make_example(f"Problem number {n}", "bug", at=n) for n in range(30)]

    ((name, probability),) = learn(examples, BUG).rank(extract_features("Another problem", ""))

    assert name == "bug"
    assert probability > 0.9


def test_issues_without_text_are_examples_like_others() -> None:
    empty = [make_example("", "bug", at=n) for n in range(10)]

    model = learn([*make_pairs(10), *empty])

    assert model.rank(extract_features("", ""))[0][0] == "bug"


def test_labels_that_contradict_each_other_are_not_applied() -> None:
    same = [
        make_example("It does not work", "bug" if n % 2 else "feature", at=n) for n in range(60)
    ]

    model = learn(same)

    predictions = model.predict(extract_features("It does not work", ""))
    assert {x.certainty for x in predictions} <= {"unsure"}
    assert all(label.apply_at is None for label in model.labels)


@pytest.mark.parametrize(
    ("crash", "wish", "question"),
    [
        ("应用程序启动时崩溃", "希望支持深色模式", "保存文件时崩溃"),
        (
            "アプリが起動時にクラッシュする",
            "ダークモードを追加してほしい",
            "保存時にクラッシュする",
        ),
        ("앱이 시작할 때 충돌합니다", "다크 모드를 추가해 주세요", "저장할 때 충돌합니다"),
        ("Приложение падает при запуске", "Добавьте тёмную тему", "Приложение падает"),
    ],
    ids=["Chinese", "Japanese", "Korean", "Russian"],
)
def test_issues_in_other_scripts_are_learned(crash: str, wish: str, question: str) -> None:
    model = learn(make_pairs(20, crash, wish))

    assert model.rank(extract_features(question, ""))[0][0] == "bug"


@pytest.mark.slow
def test_of_400_labels_the_most_frequent_are_learned() -> None:
    names = [f"topic {n:03}" for n in range(400)]
    examples = [
        make_example(f"Word{k} fails", names[k], at=n * 400 + k)
        for n in range(9)
        for k in range(MAX_LABELS + 5)
        if n < 8 or k >= 5
    ]

    reasons = explain(learn(examples[:MAX_EXAMPLES], *map(Label, names)))

    assert sum(not why for why in reasons.values()) == MAX_LABELS
    assert reasons["topic 004"] == f"only the {MAX_LABELS} most frequent labels are learned"
    assert reasons["topic 399"] == "no labelled issue has it"


@pytest.mark.slow
def test_only_the_newest_issues_of_a_long_history_count() -> None:
    old = [make_example("x", "bug", at=n) for n in range(MAX_EXAMPLES)]
    new = [make_example("y", "feature", at=MAX_EXAMPLES + n) for n in range(MAX_EXAMPLES)]

    model = learn([*new, *old])

    assert model.examples == MAX_EXAMPLES
    assert {label.name: label.examples for label in model.labels} == {"bug": 0, "feature": 2000}


def test_a_label_that_was_right_once_but_is_not_lately_is_not_applied() -> None:
    right = make_pairs(60)
    wrong = [
        make_example(f"The window crashes {n}", "feature" if n % 2 else "other", at=1_000 + n)
        for n in range(30)
    ]

    before = {label.name: label for label in learn(right).labels}
    after = {label.name: label for label in learn([*right, *wrong]).labels}

    assert before["bug"].apply_at is not None
    assert after["bug"].apply_at is None
    assert after["bug"].suggest_at is not None
