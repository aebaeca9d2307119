"""One training: what is read and learned, and why there may be none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import (
    LockContended,
    Postponed,
    RateLimited,
)
from bot.core.training import TrainingProgress, TrainingState
from bot.core.types import Choice, Label, Record
from bot.flow import train_repository as module
from bot.flow.process import process
from tests.fakes import NOW, PAGE, REF, make_context, make_issue, make_job
from tests.flow.training_case import REPOSITORY, Case
from tests.history import TOPICS, make_history


def test_a_classifier_is_learned_from_the_labelled_issues() -> None:
    case = Case(make_history(240))
    outcome = case.train()
    assert (outcome.record.status, outcome.record.why) == ("trained", "from 240 issues")
    assert case.learned == dict.fromkeys(TOPICS, 80)
    state = TrainingState(
        NOW, 0.0, NOW, NOW, 240, 240, status="trained", learned=case.state.learned
    )
    assert case.state == state
    assert {*state.learned} == {*TOPICS}
    assert case.forge.pages_read == ["", "100", "200"]
    assert case.store.training.progress(REF.repo_key) == (TrainingProgress(), ())
    assert case.forge.writes == []


def test_the_configuration_sets_the_precision_to_reach() -> None:
    case = Case(make_history(), config="labels: {precision: 0.8}")
    case.train()
    assert case.trainer.targets == [0.8]


def test_protected_and_denied_labels_are_not_learned() -> None:
    past = [
        replace(issue, labels=(*issue.labels, "wontfix", "area/login")) for issue in make_history()
    ]
    case = Case(past, config="labels: {deny: ['area/*']}")
    case.train()
    assert case.model
    assert {label.name for label in case.model.labels} == {"regression", "documentation", "bug"}


def test_types_are_learned_as_labels_and_the_classifier_sets_them() -> None:
    past = [replace(x, labels=(), type=x.labels[0].title()) for x in make_history(240)]
    labelled = next(n for n, issue in enumerate(past) if issue.type == "Documentation")
    past[labelled] = replace(past[labelled], labels=("documentation",), type="")
    case = Case(past)
    case.forge.types = tuple(Label(name.title()) for name in TOPICS)
    case.train()
    assert case.learned == {name.title(): 80 for name in TOPICS}
    case.forge.current = replace(case.forge.current, title=past[1].title, body="")
    process(make_job(), make_context(case.forge, None, case.store))
    assert case.forge.current.type == past[1].type


def test_a_type_of_the_bot_is_learned_where_it_was_kept_for_a_week() -> None:
    past = [replace(x, labels=(), type=x.labels[0].title()) for x in make_history(60)]
    case = Case(past)
    case.forge.types = tuple(Label(name.title()) for name in TOPICS)
    for number, issue in enumerate(past[:20]):
        choice = Choice(issue.type, "model", "sure")
        case.store.save(issue.ref.key, Record("quiet", input="x", type=choice))
        case.forge.past[number] = replace(issue, handled=number < 5)
    case.train()
    assert case.state.examples == 45


def test_unlabelled_bots_and_confidential_issues_are_no_examples() -> None:
    past = make_history(40)
    past[0] = replace(past[0], labels=())
    past[1] = replace(past[1], confidential=True)
    past[2] = replace(past[2], is_bot=True)
    case = Case(past)
    case.train()
    assert (case.state.examples, case.state.read) == (37, 40)


def test_of_very_many_issues_only_the_newest_are_read() -> None:
    case = Case(make_history(3_000))
    case.trainer.fit = lambda *_: b"a model"  # type: ignore[method-assign]
    case.train()
    assert (case.state.examples, case.state.read) == (2_000, 2_000)
    assert len(case.forge.pages_read) == 20


def test_where_few_issues_have_labels_reading_ends_after_some() -> None:
    case = Case([replace(make_issue("Title"), ref=replace(REF, number=n)) for n in range(9_000)])
    case.train()
    assert (case.state.examples, case.state.read) == (0, 8_000)
    assert case.state.why == (
        "none of its newest 8000 issues has labels that people have set or kept"
    )


def test_reading_ends_where_the_examples_are_very_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIZE", 1_000)
    case = Case(make_history(240))
    case.train()
    assert case.state.examples == PAGE


@pytest.mark.parametrize(
    ("config", "mode", "why"),
    [
        ("learn: {from_history: false}", "apply", "learn.from_history is false"),
        ("mode: off", "apply", "mode is off"),
        (None, "off", "mode is off"),
        ("learn: {from_history: nein}", "apply", "learn.from_history is false"),
    ],
)
def test_where_learning_is_switched_off_nothing_is_read_and_the_classifier_goes(
    config: str | None, mode: str, why: str
) -> None:
    case = Case(make_history(), config=config)
    case.store.training.save_model(REF.repo_key, b"a model")
    assert case.train(mode=mode).record.why == why
    assert case.state.why == why
    assert case.forge.pages_read == []
    assert case.store.training.model_version(REF.repo_key) == ""


def test_a_repository_without_issues_says_so() -> None:
    case = Case()
    assert case.train().record.status == "skipped"
    assert case.state.why == "the repository has no issues with labels yet"
    assert case.state.ended_at == NOW


def test_a_history_of_one_label_gives_a_classifier() -> None:
    case = Case(make_history(60, {"bug": TOPICS["regression"]}))
    assert case.train().record.status == "trained"
    assert case.state.why == ""


def test_a_repository_that_was_trained_meanwhile_is_left_alone() -> None:
    case = Case(make_history())
    case.train()
    assert case.train().record.status == "unchanged"
    assert len(case.forge.pages_read) == 2


def test_the_next_training_may_start_when_one_has_ended_or_waits() -> None:
    case, ends = Case(make_history()), list[str]()
    case.parts = replace(case.parts, continue_schedule=lambda: ends.append(case.state.status))
    case.forge.interrupt(0, RateLimited("GitHub asked to wait (status 429)", 900))
    with pytest.raises(RateLimited):
        case.train()
    case.limiter.paused.clear()
    case.train()
    with case.parts.running, pytest.raises(Postponed):
        case.train()
    assert ends == ["waiting", "trained"]


def test_only_one_training_runs_at_a_time() -> None:
    case = Case(make_history())
    with case.parts.running, pytest.raises(Postponed, match="another repository"):
        case.train()
    with case.store.lock(REPOSITORY.key), pytest.raises(LockContended):
        case.train()
    assert case.forge.pages_read == []
    assert case.train().record.status == "trained"
