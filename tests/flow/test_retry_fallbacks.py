"""What fell back on rules is asked for again, and the model's answer takes its place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.core.errors import ModelFailed, OperatorError, RateLimited, Retry
from bot.core.labels.policy import scope
from bot.core.prompt import Prompt
from bot.core.types import IssueRef, Job, JobKind, Label, Rate
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.flow.retry_fallbacks import MAX_WAIT_SECONDS, PAUSES, FallbackRetries
from bot.llm.breaker import StoredProviderHealth
from bot.store.no_store import NoRateLimiter
from tests.fakes import NOW, REF, FakeForge, ScriptedModel, a_context, a_delivery, an_issue, says
from tests.memory_store import MemoryStore

TITLE = "Login button does nothing in Firefox 131"
BODY = "After the 4.2 upgrade the login button does nothing. It crashed with an exception."
LABELS = (Label("bug"), Label("area/login"), Label("needs-review"), Label("enhancement"))
ANSWER = says("The login button does nothing.", ("area/login", "sure", "login button"))
DOWN = ModelFailed("timeout", outage=True)
USELESS = ModelFailed("not-json")
MINUTE = 60.0


@dataclass
class Ward:
    """One issue, a model that follows a script, and a clock that the test moves."""

    model: ScriptedModel
    forge: FakeForge = field(
        default_factory=lambda: FakeForge(an_issue(TITLE, BODY), LABELS, next_id=900)
    )
    store: MemoryStore = field(default_factory=MemoryStore)
    now: float = NOW

    def __post_init__(self) -> None:
        self.store = MemoryStore(lambda: self.now)
        self.retries = FallbackRetries(
            self.store.retry_schedule,
            StoredProviderHealth(self.store, ["provider"]),
            lambda: self.now,
        )
        self.round()  # the first one is the worker's start

    def job(self, delivery: Job | None = None) -> Outcome:
        context = a_context(self.forge, self.model, self.store, retries=self.retries)
        return process(delivery or a_delivery(), context)

    def round(self) -> list[Job]:
        sent: list[Job] = []
        self.retries.run_once(sent.append)
        return sent

    def later(self, seconds: float) -> list[Outcome]:
        """The jobs that a round sends after that time."""
        self.now += seconds
        return [self.job(delivery) for delivery in self.round()]

    def provider_fails(self) -> None:
        self.store.call_failed("provider", at_once=True)


def ward(*answers: str | ModelFailed) -> Ward:
    return Ward(ScriptedModel(*answers))


def test_the_model_s_answer_takes_the_place_of_the_rules_one_minute_later() -> None:
    one = ward(DOWN, ANSWER)
    assert one.job().record.status == "fallback"
    assert list(one.forge.found.labels) == ["bug", "needs-review"]
    assert one.forge.own_comments == []
    assert one.later(PAUSES[0] - 1) == []
    (healed,) = one.later(2)
    assert healed.record.status == "answered"
    assert list(one.forge.found.labels) == ["area/login"]
    (comment,) = one.forge.own_comments
    assert "The login button does nothing." in comment.body
    assert "- **Labels:** `area/login`.\n" in comment.body
    assert one.later(MINUTE * 60) == []


def test_a_label_that_a_person_set_again_is_theirs() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    one.forge.touched.add("bug")
    one.later(PAUSES[0])
    assert one.forge.found.labels == ("bug", "area/login")


def test_a_label_of_the_rules_that_the_model_chooses_too_is_not_touched() -> None:
    one = ward(DOWN, says("It crashes.", ("bug", "sure", "crashed")))
    one.job()
    one.later(PAUSES[0])
    assert one.forge.found.labels == ("bug",)
    assert one.forge.writes == ["labels", "unlabel", "comment"]


def test_a_label_of_the_rules_does_not_stand_in_the_way_of_its_group() -> None:
    one = ward(DOWN, says("A wish.", ("enhancement", "sure", "wish")))
    one.forge.config = "labels: {groups: {type: [bug, enhancement]}}"
    one.job()
    one.later(PAUSES[0])
    assert one.forge.found.labels == ("enhancement",)


def test_a_fallback_comment_is_replaced_in_place() -> None:
    one = ward(DOWN, ANSWER)
    one.forge.config = "comment: {on_fallback: true}"
    one.job()
    (before,) = one.forge.own_comments
    one.forge.people_replied = True
    one.later(PAUSES[0])
    (after,) = one.forge.own_comments
    assert after.id == before.id
    assert "The login button does nothing." in after.body


def test_nothing_is_said_once_a_maintainer_has_replied() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    one.forge.people_replied = True
    (healed,) = one.later(PAUSES[0])
    assert (healed.record.status, one.forge.own_comments) == ("quiet", [])
    assert one.forge.found.labels == ("area/login",)


def test_tries_come_after_one_two_and_three_minutes() -> None:
    one = ward(*[DOWN] * 4)
    one.job()
    for pause in PAUSES:
        assert one.later(pause - 1) == []
        assert len(one.later(1)) == 1


def test_while_the_provider_is_down_one_issue_a_minute_is_tried() -> None:
    one = ward()
    for number in range(20):
        one.store.retry_schedule.schedule(replace(REF, number=number), one.now)
    one.provider_fails()
    sent = []
    for _ in range(18):
        one.now += 10
        sent.append(len(one.round()))
    assert (sum(sent), max(sent)) == (3, 1)
    one.store.call_succeeded("provider")
    one.now += 10
    assert len(one.round()) == 17


def test_an_hour_of_silence_ends_in_one_comment_within_ten_minutes() -> None:
    one = ward(*[DOWN] * 80)
    one.job()
    one.provider_fails()
    for _ in range(360):
        one.later(10)
    one.model.answers[:] = [ANSWER]
    waited = 0
    while not one.forge.own_comments:
        one.later(10)
        waited += 10
        assert waited <= 600
    assert one.forge.found.labels == ("area/login",)


@pytest.mark.parametrize("failure", [DOWN, USELESS])
def test_a_model_that_says_nothing_to_anybody_is_asked_for_a_day(failure: ModelFailed) -> None:
    one = ward(*[failure] * 200)
    one.job()
    asked = [one.later(MINUTE) for _ in range(60)]
    assert 50 < sum(map(len, asked)) <= 60
    (last,) = one.later(MAX_WAIT_SECONDS - 62 * MINUTE)
    assert last.record.wait is not None
    (over,) = one.later(5 * MINUTE)
    assert over.record.wait is None
    assert one.later(MAX_WAIT_SECONDS) == []


def test_an_issue_that_only_itself_cannot_be_answered_is_let_be() -> None:
    one = ward(*[USELESS] * 10)
    one.job()
    for pause in PAUSES[:2]:
        one.later(pause)
    one.store.call_succeeded("provider")  # somebody else's issue
    one.later(PAUSES[2])
    assert one.forge.found.labels == ("bug", "needs-review")
    assert [one.later(MINUTE) for _ in range(120)] == [[]] * 120


def test_parked_issues_are_due_as_soon_as_somebody_is_answered() -> None:
    one = ward(*[DOWN] * 4, ANSWER)
    one.job()
    for pause in PAUSES:
        one.later(pause)
    one.store.retry_schedule.take_probe(one.now + 1)  # this minute's probe is somebody else
    one.store.retry_schedule.suspend(REF, one.now)
    one.store.call_succeeded("provider")
    (healed,) = one.later(1)
    assert healed.record.status == "answered"


def test_a_start_makes_everybody_due() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    one.retries = FallbackRetries(
        one.store.retry_schedule, StoredProviderHealth(one.store, ["provider"]), lambda: one.now
    )
    (healed,) = one.later(1)
    assert healed.record.status == "answered"


def test_an_issue_that_a_person_closed_waits_no_longer() -> None:
    one = ward(DOWN)
    one.job()
    one.forge.found = replace(one.forge.found, is_open=False)
    (skipped,) = one.later(PAUSES[0])
    assert skipped.record.status == "skipped"
    assert one.later(MINUTE * 30) == []


def test_without_a_provider_nothing_waits() -> None:
    one = ward()
    context = a_context(one.forge, None, one.store, retries=one.retries)
    assert process(a_delivery(), context).record.wait is None
    assert one.later(MINUTE * 10) == []


def test_a_day_old_issue_is_healed_whatever_its_age() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    one.provider_fails()
    one.now += MAX_WAIT_SECONDS - 60
    one.store.call_succeeded("provider")
    (healed,) = one.later(1)
    assert healed.record.status == "answered"


def test_a_job_that_got_lost_is_sent_again() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    one.now += PAUSES[0]
    assert len(one.round()) == 1  # and its worker dies
    assert one.later(MINUTE) == []
    (healed,) = one.later(MINUTE * 10)
    assert healed.record.status == "answered"


def test_a_worker_that_dies_while_it_heals_leaves_nothing_of_the_rules_behind() -> None:
    one = ward(DOWN, ANSWER, ANSWER)
    one.job()
    one.forge.fails("remove_labels", Retry("the worker was killed"))
    one.now += PAUSES[0]
    (delivery,) = one.round()
    with pytest.raises(Retry):
        one.job(delivery)
    assert "needs-review" in one.forge.found.labels
    one.job(delivery)
    assert one.forge.found.labels == ("area/login",)
    assert len(one.forge.own_comments) == 1


class Scoped(FakeForge):
    """As GitLab: a label whose scope is taken is not set."""

    def add_labels(self, ref: IssueRef, names: tuple[str, ...]) -> tuple[str, ...]:
        taken = {scope(name) for name in self.found.labels} - {""}
        free = tuple(name for name in names if scope(name) not in taken)
        return super().add_labels(ref, free) if free else ()


def test_a_scope_is_free_for_the_model_s_label_once_that_of_the_rules_is_off() -> None:
    labels = (Label("type::bug"), Label("type::question"))
    forge = Scoped(an_issue(TITLE, BODY), labels, next_id=900)
    one = Ward(ScriptedModel(DOWN, says("A question.", ("type::question", "sure", "?"))), forge)
    one.job()
    assert list(forge.found.labels) == ["type::bug"]
    one.later(PAUSES[0])
    assert list(forge.found.labels) == ["type::question"]


def test_a_label_that_a_person_sets_while_the_model_thinks_is_theirs() -> None:
    class Thinking(ScriptedModel):
        def complete(self, prompt: Prompt, parse: Any) -> Any:
            answer = super().complete(prompt, parse)
            one.forge.touched.add("bug")
            return answer

    one = Ward(Thinking(DOWN, ANSWER))
    one.job()
    one.later(PAUSES[0])
    assert "bug" in one.forge.found.labels


def test_a_repository_that_turned_to_suggestions_keeps_its_labels() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    before = one.forge.found.labels
    one.forge.config = "mode: suggest"
    (healed,) = one.later(PAUSES[0])
    assert healed.record.status == "suggested"
    assert one.forge.found.labels == before


def test_an_issue_that_times_out_while_others_are_answered_is_asked_less_and_less() -> None:
    one = ward(*[DOWN] * 500)
    one.job()
    asked = 0
    for _ in range(4 * 360):
        one.store.call_succeeded("provider")
        asked += len(one.later(10))
    assert 20 < asked < 45


def test_a_heal_that_only_the_operator_can_mend_waits_an_hour() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    one.forge.fails("issue", OperatorError("the token was refused"))
    one.now += PAUSES[0]
    (delivery,) = one.round()
    with pytest.raises(OperatorError):
        one.job(delivery)
    assert one.later(MINUTE * 59) == []
    (healed,) = one.later(MINUTE)
    assert healed.record.status == "answered"


@pytest.mark.parametrize("kind", ["edited", "reopened"])
def test_a_delivery_that_asks_for_nothing_does_not_end_the_wait_for_a_model(kind: JobKind) -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    assert one.job(a_delivery(kind)).record.why == f"{kind} is not in `on`"
    (healed,) = one.later(PAUSES[0])
    assert healed.record.status == "answered"
    assert len(one.forge.own_comments) == 1


def test_a_dry_run_does_not_end_the_wait_for_a_model() -> None:
    one = ward(DOWN, ANSWER, ANSWER)
    one.job()
    process(
        a_delivery("manual"),
        a_context(one.forge, one.model, one.store, retries=one.retries, mode="dry-run"),
    )
    (healed,) = one.later(PAUSES[0])
    assert healed.record.status == "answered"


def test_a_heal_whose_record_redis_forgot_meanwhile_answers_the_issue() -> None:
    one = ward(DOWN, ANSWER)
    one.job()
    one.now += PAUSES[0]
    (delivery,) = one.round()
    one.store = MemoryStore(lambda: one.now)
    assert one.job(delivery).record.status == "answered"
    assert len(one.forge.own_comments) == 1


def test_a_heal_that_waits_for_its_turn_to_comment_is_not_sent_again_meanwhile() -> None:
    class Crowded(NoRateLimiter):
        def reserve(self, account: str, ticket: str, rate: Rate) -> float:
            return 6 * 60 * MINUTE

    one = ward(DOWN, ANSWER)
    one.job()
    one.now += PAUSES[0]
    (delivery,) = one.round()
    context = a_context(
        one.forge, one.model, one.store, retries=one.retries, rate_limiter=Crowded()
    )
    with pytest.raises(RateLimited) as caught:
        process(delivery, context)
    assert not caught.value.account_wide
    sent = 0
    for _ in range(6 * 60):
        one.now += MINUTE
        sent += len(one.round())
    assert sent == 0
    (healed,) = one.later(70 * MINUTE)  # that job got lost
    assert healed.record.status == "answered"


def test_a_worker_that_dies_while_it_sends_delays_one_issue() -> None:
    one = ward()
    refs = [replace(REF, number=n) for n in (1, 2, 3)]
    for ref in refs:
        one.store.retry_schedule.schedule(ref, NOW)

    def die(_delivery: Job) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        one.retries.run_once(die)
    assert [delivery.ref for delivery in one.round()] == refs[1:]
