"""Trainings that a rate limit, a failure or the end of a worker interrupts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import (
    Forbidden,
    OperatorError,
    Postponed,
    RateLimited,
    Retry,
    TaglineError,
    TrainingFailed,
    Unreachable,
)
from bot.core.training import TrainingProgress
from bot.flow.schedule_training import find_pause
from bot.flow.train_repository import MAX_TRIES
from tests.fakes import DAY, NOW, REF, make_issue
from tests.flow.training_case import Case
from tests.history import TOPICS, make_history


def test_a_rate_limit_in_the_middle_keeps_what_was_read() -> None:
    case = Case(make_history(240))
    case.forge.interrupt(2, RateLimited("GitHub asked to wait (status 429)", 900))
    with pytest.raises(RateLimited):
        case.train()
    waiting = (case.state.status, case.state.why, case.state.retry_at)
    assert waiting == ("waiting", "GitHub asked to wait (status 429)", NOW + 900)
    assert case.state.ended_at == 0
    assert case.limiter.paused == {REF.account_key: 900}
    with pytest.raises(RateLimited):  # an issue's job met the limit
        case.train()
    case.limiter.paused.clear()
    assert case.train().record.why == "from 240 issues"
    assert case.forge.pages_read == ["", "100", "200"]
    assert case.state.why == ""
    assert case.learned == dict.fromkeys(TOPICS, 80)


def test_a_training_leaves_the_rest_of_a_rate_limit_to_issues() -> None:
    case = Case(make_history(240))
    case.forge.wait_after = {2: 600.0, 3: 600.0}
    with pytest.raises(RateLimited) as limited:
        case.train()
    assert limited.value.after == 600
    assert case.limiter.paused == {}
    waiting = (case.state.status, case.state.why, case.state.retry_at)
    assert waiting == ("waiting", "the rest of the forge's rate limit is left to issues", NOW + 600)
    assert case.train().record.why == "from 240 issues"  # no page is left to read
    assert case.forge.pages_read == ["", "100", "200"]


def test_a_training_that_was_killed_continues_at_its_page() -> None:
    case = Case(make_history(240))
    case.forge.interrupt(1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        case.train()
    case.train()
    assert case.forge.pages_read == ["", "100", "200"]
    assert case.state.examples == 240


def test_issues_that_were_opened_meanwhile_are_not_learned_twice() -> None:
    history = make_history(240)
    case = Case(history[30:])
    case.forge.interrupt(1, Retry("GitHub failed (status 502)"))
    with pytest.raises(Retry):
        case.train()
    case.forge.past[:0] = history[:30]
    case.train()
    assert case.state.examples == 210
    assert case.learned == dict.fromkeys(TOPICS, 70)


def test_progress_of_another_version_of_the_features_is_read_again() -> None:
    case = Case(make_history(240))
    case.store.training.save_progress(
        REF.repo_key, TrainingProgress(99, "200", 200, tuple(range(41, 241))), b"page"
    )
    case.train()
    assert case.state.examples == 240


@pytest.mark.parametrize(
    "error",
    [Retry("GitHub failed (status 502)"), Unreachable("GitHub cannot be reached (refused)")],
)
def test_a_forge_that_fails_is_tried_again_after_growing_delays(error: Retry) -> None:
    case = Case(make_history())
    delays = []
    for try_number in range(1, MAX_TRIES):
        case.forge.interrupt(0, error)
        with pytest.raises(Retry) as raised:
            case.train(try_number)
        delays.append(raised.value.after)
        assert (case.state.status, case.state.why) == ("waiting", str(error))
        assert case.state.retry_at == NOW + (raised.value.after or 0)
    assert delays == [15, 60, 240]
    assert case.train(MAX_TRIES).record.status == "trained"


def test_a_forge_that_asks_for_a_longer_delay_gets_it() -> None:
    case = Case(make_history())
    case.forge.interrupt(0, Retry("GitHub failed (status 503)", 100))
    with pytest.raises(Retry) as raised:
        case.train()
    assert raised.value.after == 100


def test_a_forge_that_fails_for_long_is_a_reason_and_is_tried_again_ever_later() -> None:
    case = Case(make_history(240))
    pauses = []
    for number in (1, 2):
        case.forge.interrupt(number - 1, Retry("GitHub failed (status 502)"))
        assert case.train(MAX_TRIES).record.status == "skipped"
        failed = (case.state.status, case.state.why, case.state.failures)
        assert failed == ("skipped", "GitHub failed (status 502)", number)
        assert case.state.ended_at == case.now
        pauses.append(find_pause(case.state))
        assert case.train().record.status == "unchanged"
        case.now += pauses[-1]
    assert pauses == [1_800, 7_200]
    assert case.train().record.status == "trained"
    assert case.state.failures == 0
    assert case.forge.pages_read == ["", "100", "200"]  # none was read twice


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("GitHub refused the request (status 403): no access", refused=True),
        OperatorError("GitHub refused the credentials (status 401)"),
    ],
)
def test_a_refusal_of_the_forge_is_a_reason(error: TaglineError) -> None:
    case = Case(make_history())
    case.forge.interrupt(0, error)
    assert case.train().record.status == "skipped"
    assert (case.state.why, case.state.ended_at) == (str(error), NOW)


def test_a_process_that_fails_is_a_reason_and_the_old_classifier_stays() -> None:
    case = Case(make_history())
    case.train()
    before, case.now = case.store.training.model_version(REF.repo_key), NOW + 8 * DAY
    case.trainer.fail("fit", TrainingFailed("the training process was killed (signal 9)"))
    assert case.train().record.status == "skipped"
    assert case.state.why == "the training process was killed (signal 9)"
    assert case.state.trained_at == NOW
    assert case.store.training.model_version(REF.repo_key) == before != ""


def test_what_was_read_before_a_failure_is_used_a_day_later() -> None:
    case = Case(make_history(240))
    case.forge.interrupt(2, Forbidden("GitHub refused the request (status 403)"))
    assert case.train().record.status == "skipped"
    case.now += DAY
    assert case.train().record.why == "from 240 issues"
    assert case.forge.pages_read == ["", "100", "200"]


def test_a_history_without_examples_is_read_again_a_day_later() -> None:
    case = Case([replace(make_issue("Title"), ref=replace(REF, number=1))])
    case.train()
    case.now += DAY
    case.forge.past = make_history(40)
    assert case.train().record.why == "from 40 issues"


def test_a_worker_that_stops_continues_later() -> None:
    case = Case(make_history())
    case.trainer.fail("fit", Postponed("the worker stops", 5))
    with pytest.raises(Postponed):
        case.train(MAX_TRIES)
    assert case.train().record.status == "trained"
    assert case.forge.pages_read == ["", "100"]
