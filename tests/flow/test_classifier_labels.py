"""An issue of a repository whose classifier has learned: with a model, without one, when healed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.corrections import Correction
from bot.core.errors import ModelFailed
from bot.core.training import TrainingState, TrainingStatus
from bot.core.types import Label
from bot.flow.classify import MIN_HISTORY
from bot.flow.learned_models import LearnedModels
from bot.learn.codec import dump
from tests.fakes import NOW, REF, model_reply
from tests.flow.issue_case import DOWN, LABELS, IssueCase, make_case
from tests.history import WOBBLES, learn, make_classifier, make_history
from tests.memory_store import MemoryTrainingStore

ISSUE = {"title": WOBBLES, "body": "It squeaks."}
CRASH = "It crashes with an exception"
SUMMARY = "The spindle jams."


def learned_case(
    *answers: str | ModelFailed, labels: tuple[Label, ...] = LABELS, **more: object
) -> IssueCase:
    case = make_case(*answers, labels=labels, issue={**ISSUE, **more})
    case.store.training.save_model(REF.repo_key, dump(make_classifier()))
    return case


def test_the_classifier_labels_while_the_model_is_down() -> None:
    case = learned_case(DOWN)
    case.job()
    assert case.labels == ["regression", "needs-review"]
    assert (case.record.status, case.record.source) == ("fallback", "classifier")
    assert case.comments == []


def test_rules_add_what_the_classifier_has_not_learned() -> None:
    case = learned_case(DOWN, title=f"{WOBBLES}, crashes with an exception", body="Traceback")
    case.job()
    assert case.labels == ["regression", "bug", "needs-review"]


@pytest.mark.parametrize(
    ("issues", "with_bug", "applied"),
    [
        (MIN_HISTORY, 0, False),
        (MIN_HISTORY - 1, 0, True),  # too few to say that nobody uses it
        (MIN_HISTORY, 1, True),
    ],
)
def test_rules_only_suggest_a_label_that_a_long_history_never_uses(
    issues: int, with_bug: int, applied: bool
) -> None:
    past = make_history(issues)
    past[:with_bug] = [replace(one, labels=(*one.labels, "bug")) for one in past[:with_bug]]
    case = make_case(provider=False, issue={"title": CRASH, "body": "Traceback"})
    case.store.training.save_model(REF.repo_key, dump(learn(past, LABELS, 0.9)))
    case.job()
    assert ("bug" in case.labels) is applied
    (line,) = [x for x in case.comments[0].splitlines() if "Suggested, not applied: " in x]
    assert ("`bug`" in line.partition("Suggested")[2]) is not applied


def test_the_repository_s_own_rules_set_a_label_that_its_history_never_uses() -> None:
    case = make_case(provider=False, issue={"title": CRASH, "body": "Traceback"})
    case.forge.config = "fallback: {rules: [{label: bug, any: [crashes]}]}"
    case.store.training.save_model(REF.repo_key, dump(learn(make_history(300), LABELS, 0.9)))
    case.job()
    assert "bug" in case.labels


def test_rules_do_not_set_a_label_that_the_classifier_knows_better() -> None:
    title = "Typo in the documentation, the documentation is wrong"
    without = make_case(DOWN, issue={"title": title, "body": ""})
    without.job()
    assert "documentation" in without.labels
    learned = learned_case(DOWN, title="The gizmo documentation wobbles", body=WOBBLES)
    learned.job()
    assert learned.labels == ["regression", "needs-review"]


def test_the_repository_s_own_rules_count_beside_the_classifier() -> None:
    case = learned_case(DOWN)
    case.forge.config = "fallback: {rules: [{label: bug, any: [squeaks]}]}"
    case.job()
    assert case.labels == ["bug", "regression", "needs-review"]


def test_without_a_model_the_comment_names_the_classifier_s_reason() -> None:
    case = make_case(provider=False, issue=ISSUE)
    case.store.training.save_model(REF.repo_key, dump(make_classifier()))
    case.job()
    assert case.labels == ["regression", "needs-review"]
    assert "learned from 40 issues with this label" in case.comments[0]
    assert "labels and rules, without a language model" in case.comments[0]


def test_model_and_classifier_label_together() -> None:
    answer = model_reply(SUMMARY, ("bug", "likely", "squeaks"), ("area/login", "unsure", "guess"))
    case = learned_case(answer)
    case.job()
    assert case.labels == ["regression", "bug"]
    assert case.record.source == "model"
    assert "`area/login`" in case.comments[0]


def test_both_together_stay_within_the_policy() -> None:
    answer = model_reply(SUMMARY, ("bug", "likely", ""), ("wontfix", "sure", ""))
    for config, expected in (
        ("labels: {max: 1}", ["regression"]),
        ("labels: {deny: [regression]}", ["bug"]),
        ("labels: {groups: {kind: [bug, regression]}}", ["regression"]),
    ):
        case = learned_case(answer)
        case.forge.config = config
        case.job()
        assert case.labels == expected


def test_a_label_that_the_classifier_set_is_healed_by_the_model() -> None:
    case = learned_case(DOWN, model_reply(SUMMARY, ("bug", "sure", "squeaks")))
    case.job()
    case.job("heal", tries=2, at=NOW + 300)
    assert case.labels == ["regression", "bug"]
    assert len(case.comments) == 1


def test_a_model_whose_labels_are_removed_only_suggests() -> None:
    removed = [Correction(n, "bug", "removed", NOW - n, "model", "sure") for n in range(1, 11)]
    case = make_case(model_reply(SUMMARY, ("bug", "sure", "squeaks")), issue=ISSUE)
    case.store.corrections.add(REF.repo_key, removed)
    case.job()
    assert case.labels == []
    assert "Suggested, not applied: `bug`" in case.comments[0]


def test_of_very_many_labels_the_model_sees_those_that_the_classifier_finds_probable() -> None:
    many = (*(Label(f"part-{n:03}") for n in range(400)), *LABELS)
    learned = learned_case(model_reply(SUMMARY), labels=many)
    unlearned = make_case(model_reply(SUMMARY), labels=many, issue=ISSUE)
    for case, is_listed in ((learned, True), (unlearned, False)):
        case.job()
        assert case.model
        user = case.model.prompts[0].user
        assert ('"regression"' in user) is is_listed
        assert '"part-001"' in user  # which nobody has used yet


@pytest.mark.parametrize(
    "data",
    [b"from another version", b"x" * 2_000_001, dump(make_classifier())[:-9]],
    ids=["other", "too large", "incomplete"],
)
def test_a_model_that_cannot_be_read_is_deleted_and_rules_label(data: bytes) -> None:
    case = make_case(DOWN)
    case.store.training.save_model(REF.repo_key, data)
    case.job()
    assert case.labels == ["bug", "needs-review"]
    assert case.store.training.model_version(REF.repo_key) == ""


class CountingStore(MemoryTrainingStore):
    """Counts the models that were read."""

    reads = 0

    def model(self, repo_key: str) -> bytes | None:
        self.reads += 1
        return super().model(repo_key)


def test_a_model_is_read_once_per_version() -> None:
    store = CountingStore()
    learned = LearnedModels(store)
    assert learned.get(REF.repo_key, 0.9) is None
    store.save_model(REF.repo_key, dump(make_classifier()))
    first = learned.get(REF.repo_key, 0.9)
    assert first is not None
    assert learned.get(REF.repo_key, 0.9) is first
    assert store.reads == 1
    store.save_model(REF.repo_key, dump(replace(make_classifier(), trained_at=NOW + 1)))
    second = learned.get(REF.repo_key, 0.9)
    assert second is not None
    assert second.trained_at == NOW + 1
    assert store.reads == 2


@pytest.mark.parametrize(("precision", "status"), [(0.9, "trained"), (0.8, "due")])
def test_another_precision_makes_a_training_due(precision: float, status: TrainingStatus) -> None:
    store = MemoryTrainingStore()
    trained = TrainingState(NOW - 9, NOW, NOW, NOW, status="trained")
    store.save_training_state(REF.repo_key, trained)
    store.save_model(REF.repo_key, dump(make_classifier()))
    assert LearnedModels(store).get(REF.repo_key, precision) is not None
    state = store.training_state(REF.repo_key)
    assert state is not None
    assert state == replace(trained, status=status)
