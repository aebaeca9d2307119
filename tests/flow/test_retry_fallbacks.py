"""Issues that fell back to rules are retried, and the model's answer replaces the rules'."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core.errors import ModelFailed, OperatorError, RateLimited, Retry
from bot.core.labels.policy import scope
from bot.core.prompt import Prompt
from bot.core.types import IssueRef, Job, JobKind, Label, LabelSuggestion, Rate
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.flow.retry_fallbacks import MAX_WAIT_SECONDS, PAUSES, FallbackRetries
from bot.store.no_store import NoRateLimiter
from tests.fakes import (
    NOW,
    REF,
    FakeForge,
    ScriptedModel,
    make_context,
    make_issue,
    make_job,
    model_reply,
)
from tests.memory_store import MemoryStore

TITLE = "Login button does nothing in Firefox 131"
BODY = "After the 4.2 upgrade the login button does nothing. It crashed with an exception."
LABELS = (Label("bug"), Label("area/login"), Label("needs-review"), Label("enhancement"))
ANSWER = model_reply("The login button does nothing.", ("area/login", "sure", "login button"))
DOWN = ModelFailed("timeout", outage=True)
USELESS = ModelFailed("not-json")
MINUTE = 60.0


@dataclass
class RetryCase:
    """One issue, a scripted model, and a clock that the test advances."""

    model: ScriptedModel
    forge: FakeForge = field(
        default_factory=lambda: FakeForge(make_issue(TITLE, BODY), LABELS, next_id=900)
    )
    store: MemoryStore = field(default_factory=MemoryStore)
    now: float = NOW

    def __post_init__(self) -> None:
        self.store = MemoryStore(lambda: self.now)
        self.retries = FallbackRetries(
            self.store.retry_schedule, self.store, ["provider"], lambda: self.now
        )
        self.run_once()  # the first run is the worker's start

    def job(self, delivery: Job | None = None) -> Outcome:
        context = make_context(self.forge, self.model, self.store, model_retries=self.retries)
        return process(delivery or make_job(), context)

    def run_once(self) -> list[Job]:
        sent: list[Job] = []
        self.retries.run_once(sent.append)
        return sent

    def advance(self, seconds: float) -> list[Outcome]:
        """Move the clock, then run the jobs that are due; return their outcomes."""
        self.now += seconds
        return [self.job(delivery) for delivery in self.run_once()]

    def provider_fails(self) -> None:
        self.store.call_failed("provider", at_once=True)


def make_case(*answers: str | ModelFailed) -> RetryCase:
    return RetryCase(ScriptedModel(*answers))


def fallen_back(*answers: str | ModelFailed) -> RetryCase:
    """Return a case whose model failed once, so that its labels come from rules."""
    case = make_case(DOWN, *answers)
    case.job()
    return case


def test_the_model_s_answer_takes_the_place_of_the_rules_one_minute_later() -> None:
    case = make_case(DOWN, ANSWER)
    assert case.job().record.status == "fallback"
    assert list(case.forge.current.labels) == ["bug", "needs-review"]
    assert case.forge.own_comments == []
    assert case.advance(PAUSES[0] - 1) == []
    (retried,) = case.advance(2)
    assert retried.record.status == "answered"
    assert list(case.forge.current.labels) == ["area/login"]
    (comment,) = case.forge.own_comments
    assert "The login button does nothing." in comment.body
    assert "- **Labels:** `area/login`.\n" in comment.body
    assert case.advance(MINUTE * 60) == []


def test_a_label_that_a_person_set_again_is_kept() -> None:
    case = fallen_back(ANSWER)
    case.forge.person_adds("bug")
    case.advance(PAUSES[0])
    assert case.forge.current.labels == ("bug", "area/login")


def test_a_label_of_the_rules_that_the_model_chooses_too_is_not_touched() -> None:
    case = fallen_back(model_reply("It crashes.", ("bug", "sure", "crashed")))
    case.advance(PAUSES[0])
    assert case.forge.current.labels == ("bug",)
    assert case.forge.writes == ["labels", "unlabel", "comment"]


def test_a_label_of_the_rules_does_not_block_another_of_its_group() -> None:
    case = make_case(DOWN, model_reply("A wish.", ("enhancement", "sure", "wish")))
    case.forge.config = "labels: {groups: {type: [bug, enhancement]}}"
    case.job()
    case.advance(PAUSES[0])
    assert case.forge.current.labels == ("enhancement",)


def test_a_fallback_comment_is_replaced_in_place() -> None:
    case = make_case(DOWN, ANSWER)
    case.forge.config = "comment: {on_fallback: true}"
    case.job()
    (before,) = case.forge.own_comments
    case.forge.people_replied = True
    case.advance(PAUSES[0])
    (after,) = case.forge.own_comments
    assert after.id == before.id
    assert "without a language model" in before.body
    assert "without a language model" not in after.body
    assert "The login button does nothing." in after.body


def test_no_comment_is_written_once_a_maintainer_has_replied() -> None:
    case = fallen_back(ANSWER)
    case.forge.people_replied = True
    (retried,) = case.advance(PAUSES[0])
    assert (retried.record.status, case.forge.own_comments) == ("quiet", [])
    assert case.forge.current.labels == ("area/login",)


def test_tries_come_after_one_two_and_three_minutes() -> None:
    case = make_case(*[DOWN] * 4)
    case.job()
    for pause in PAUSES:
        assert case.advance(pause - 1) == []
        assert len(case.advance(1)) == 1


def test_while_the_provider_is_down_one_issue_a_minute_is_tried() -> None:
    case = make_case()
    for number in range(20):
        case.store.retry_schedule.schedule(replace(REF, number=number), case.now)
    case.provider_fails()
    sent = []
    for _ in range(18):
        case.now += 10
        sent.append(len(case.run_once()))
    assert (sum(sent), max(sent)) == (3, 1)
    case.store.call_succeeded("provider")
    case.now += 10
    assert len(case.run_once()) == 17


@pytest.mark.parametrize("failure", [DOWN, USELESS])
def test_while_the_model_answers_no_issue_each_is_retried_for_a_day(failure: ModelFailed) -> None:
    case = make_case(*[failure] * 200)
    case.job()
    retries = [case.advance(MINUTE) for _ in range(60)]
    assert 50 < sum(map(len, retries)) <= 60
    (last,) = case.advance(MAX_WAIT_SECONDS - 62 * MINUTE)
    assert last.record.wait is not None
    (expired,) = case.advance(5 * MINUTE)
    assert expired.record.wait is None
    assert case.advance(MAX_WAIT_SECONDS) == []


def test_an_issue_that_fails_while_others_succeed_is_no_longer_retried() -> None:
    case = make_case(*[USELESS] * 10)
    case.job()
    for pause in PAUSES[:2]:
        case.advance(pause)
    case.store.call_succeeded("provider")  # with another issue
    case.advance(PAUSES[2])
    assert case.forge.current.labels == ("bug", "needs-review")
    assert [case.advance(MINUTE) for _ in range(120)] == [[]] * 120


def test_suspended_issues_are_due_as_soon_as_the_model_answers_any_issue() -> None:
    case = make_case(*[DOWN] * 4, ANSWER)
    case.job()
    for pause in PAUSES:
        case.advance(pause)
    case.store.retry_schedule.take_probe(case.now + 1)  # this minute's probe is another issue
    case.store.retry_schedule.suspend(REF, case.now)
    case.store.call_succeeded("provider")
    (retried,) = case.advance(1)
    assert retried.record.status == "answered"


def test_a_worker_s_start_makes_all_issues_due() -> None:
    case = fallen_back(ANSWER)
    case.retries = FallbackRetries(
        case.store.retry_schedule, case.store, ["provider"], lambda: case.now
    )
    (retried,) = case.advance(1)
    assert retried.record.status == "answered"


def test_a_closed_issue_is_no_longer_retried() -> None:
    case = fallen_back()
    case.forge.current = replace(case.forge.current, is_open=False)
    (skipped,) = case.advance(PAUSES[0])
    assert skipped.record.status == "skipped"
    assert case.advance(MINUTE * 30) == []


def test_without_a_provider_no_issue_waits() -> None:
    case = make_case()
    context = make_context(case.forge, None, case.store, model_retries=case.retries)
    assert process(make_job(), context).record.wait is None
    assert case.advance(MINUTE * 10) == []


def test_a_day_old_issue_is_still_retried() -> None:
    case = fallen_back(ANSWER)
    case.provider_fails()
    case.now += MAX_WAIT_SECONDS - 60
    case.store.call_succeeded("provider")
    (retried,) = case.advance(1)
    assert retried.record.status == "answered"


def test_a_lost_job_is_sent_again() -> None:
    case = fallen_back(ANSWER)
    case.now += PAUSES[0]
    assert len(case.run_once()) == 1  # and its worker crashes
    assert case.advance(MINUTE) == []
    (retried,) = case.advance(MINUTE * 10)
    assert retried.record.status == "answered"


def test_a_retry_that_a_crash_interrupts_leaves_no_label_of_the_rules() -> None:
    case = fallen_back(ANSWER, ANSWER)
    case.forge.fail("remove_labels", Retry("the worker was killed"))
    case.now += PAUSES[0]
    (delivery,) = case.run_once()
    with pytest.raises(Retry):
        case.job(delivery)
    assert "needs-review" in case.forge.current.labels
    case.job(delivery)
    assert case.forge.current.labels == ("area/login",)
    assert len(case.forge.own_comments) == 1


class ScopedForge(FakeForge):
    """Like GitLab: a label whose scope is taken is not set."""

    def add_labels(
        self,
        ref: IssueRef,
        names: tuple[str, ...],
        suggested: tuple[LabelSuggestion, ...] = (),
    ) -> tuple[str, ...]:
        taken = {scope(name) for name in self.current.labels} - {""}
        free = tuple(name for name in names if scope(name) not in taken)
        return super().add_labels(ref, free) if free else ()


def test_the_label_of_the_rules_frees_its_scope_for_the_model_s() -> None:
    labels = (Label("type::bug"), Label("type::question"))
    forge = ScopedForge(make_issue(TITLE, BODY), labels, next_id=900)
    case = RetryCase(
        ScriptedModel(DOWN, model_reply("A question.", ("type::question", "sure", "?"))), forge
    )
    case.job()
    assert list(forge.current.labels) == ["type::bug"]
    case.advance(PAUSES[0])
    assert list(forge.current.labels) == ["type::question"]


def test_a_label_that_a_person_sets_while_the_model_answers_is_kept() -> None:
    class InterruptedModel(ScriptedModel):
        def complete(self, prompt: Prompt, parse: Any) -> Any:
            answer = super().complete(prompt, parse)
            case.forge.person_adds("bug")
            return answer

    case = RetryCase(InterruptedModel(DOWN, ANSWER))
    case.job()
    case.advance(PAUSES[0])
    assert "bug" in case.forge.current.labels


def test_a_repository_that_changed_to_suggest_keeps_its_labels() -> None:
    case = fallen_back(ANSWER)
    before = case.forge.current.labels
    case.forge.config = "mode: suggest"
    (retried,) = case.advance(PAUSES[0])
    assert retried.record.status == "suggested"
    assert case.forge.current.labels == before


def test_an_issue_that_times_out_while_others_are_answered_is_retried_ever_less_often() -> None:
    case = make_case(*[DOWN] * 500)
    case.job()
    count = 0
    for _ in range(4 * 360):
        case.store.call_succeeded("provider")
        count += len(case.advance(10))
    assert 20 < count < 45


def test_a_retry_that_needs_the_operator_waits_an_hour() -> None:
    case = fallen_back(ANSWER)
    case.forge.fail("get_issue", OperatorError("the token was refused"))
    case.now += PAUSES[0]
    (delivery,) = case.run_once()
    with pytest.raises(OperatorError):
        case.job(delivery)
    assert case.advance(MINUTE * 59) == []
    (retried,) = case.advance(MINUTE)
    assert retried.record.status == "answered"


@pytest.mark.parametrize("kind", ["edited", "reopened"])
def test_a_skipped_delivery_does_not_end_the_wait_for_a_model(kind: JobKind) -> None:
    case = fallen_back(ANSWER)
    assert case.job(make_job(kind)).record.why == f"{kind} is not in `on`"
    (retried,) = case.advance(PAUSES[0])
    assert retried.record.status == "answered"
    assert len(case.forge.own_comments) == 1


def test_a_dry_run_does_not_end_the_wait_for_a_model() -> None:
    case = fallen_back(ANSWER, ANSWER)
    process(
        make_job("manual"),
        make_context(
            case.forge, case.model, case.store, model_retries=case.retries, mode="dry-run"
        ),
    )
    (retried,) = case.advance(PAUSES[0])
    assert retried.record.status == "answered"


def test_a_retry_whose_record_redis_lost_answers_the_issue() -> None:
    case = fallen_back(ANSWER)
    case.now += PAUSES[0]
    (delivery,) = case.run_once()
    case.store = MemoryStore(lambda: case.now)
    assert case.job(delivery).record.status == "answered"
    assert len(case.forge.own_comments) == 1


def test_a_rate_limited_retry_is_not_sent_again_while_it_waits() -> None:
    class BusyRateLimiter(NoRateLimiter):
        def reserve(self, account: str, ticket: str, rate: Rate) -> float:
            return 6 * 60 * MINUTE

    case = fallen_back(ANSWER)
    case.now += PAUSES[0]
    (delivery,) = case.run_once()
    context = make_context(
        case.forge,
        case.model,
        case.store,
        model_retries=case.retries,
        rate_limiter=BusyRateLimiter(),
    )
    with pytest.raises(RateLimited) as caught:
        process(delivery, context)
    assert not caught.value.account_wide
    sent = 0
    for _ in range(6 * 60):
        case.now += MINUTE
        sent += len(case.run_once())
    assert sent == 0
    (retried,) = case.advance(70 * MINUTE)  # that job was lost
    assert retried.record.status == "answered"


def test_a_worker_that_crashes_while_it_sends_delays_one_issue() -> None:
    case = make_case()
    refs = [replace(REF, number=n) for n in (1, 2, 3)]
    for ref in refs:
        case.store.retry_schedule.schedule(ref, NOW)

    def crash(_delivery: Job) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        case.retries.run_once(crash)
    assert [delivery.ref for delivery in case.run_once()] == refs[1:]
