"""Providers in order, with a breaker each, within one time; the budgets and the cache of a call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from bot.core.errors import ModelFailed
from bot.core.ports import FAILURES_TO_OPEN, ModelCall
from bot.core.pricing import Limits
from bot.core.prompt import Prompt
from bot.core.types import Usage
from bot.http import deadline
from bot.llm.breaker import CircuitBreaker
from tests.fakes import (
    VARIABLES,
    FakeForge,
    ScriptedModel,
    make_issue,
    make_provider,
    make_service,
    model_reply,
)
from tests.memory_store import MemoryStore

PROMPT = Prompt("The rules.", '{"title":"Broken"}', {})
OUTAGE = ModelFailed("status-500", outage=True)
REFUSED = ModelFailed("status-401", setting="key")
UNUSABLE = ModelFailed("not-json")
LIMITS = Limits(None, 1.0, 10)
T = TypeVar("T")


class Named:
    """A model that answers with its name, or fails; `then` happens first."""

    def __init__(
        self, name: str, failure: ModelFailed | None = None, then: Callable[[], object] = int
    ) -> None:
        self.name, self.failure, self.then = name, failure, then
        self.calls = 0

    def worst_usd(self, tokens_in: int) -> float:
        return tokens_in / 1000

    def complete(self, prompt: Prompt, parse: Callable[[str], T]) -> tuple[T, Usage]:
        self.calls += 1
        self.then()
        if self.failure:
            raise self.failure
        return parse(f'{{"summary": "by {self.name}"}}'), Usage(self.name, 7, 3, 0.0)


def test_the_first_model_is_the_only_one_called_while_it_answers() -> None:
    first, second = Named("a"), Named("b")
    assert make_service(first, second).complete(PROMPT, None).usage.model == "a"
    assert second.calls == 0


@pytest.mark.parametrize("failure", [OUTAGE, REFUSED, UNUSABLE], ids=lambda x: x.reason)
def test_a_charged_failure_adds_its_worst_cost_and_an_outage_adds_none(
    failure: ModelFailed,
) -> None:
    prompt = Prompt("The rules.", "x" * 2990, {})
    usage = make_service(Named("a", failure), Named("b")).complete(prompt, None).usage
    assert usage.cost_usd == (1.0 if failure is UNUSABLE else 0.0)


@pytest.mark.parametrize("failure", [OUTAGE, REFUSED, UNUSABLE], ids=lambda x: x.reason)
def test_the_next_model_answers_and_is_named(failure: ModelFailed) -> None:
    service = make_service(Named("a", failure), Named("b", failure), Named("c"))
    assert service.name == "a"
    answer = service.complete(PROMPT, None)
    assert (answer.reply.summary, answer.usage.model) == ("by c", "c")


@pytest.mark.parametrize(
    ("failures", "reported"),
    [
        ([OUTAGE, REFUSED], OUTAGE),
        ([REFUSED, OUTAGE], REFUSED),
        ([OUTAGE, UNUSABLE], UNUSABLE),
        ([UNUSABLE, OUTAGE], UNUSABLE),
    ],
)
def test_where_all_fail_a_charged_failure_is_reported_else_the_first(
    failures: list[ModelFailed], reported: ModelFailed
) -> None:
    service = make_service(*(Named(str(n), failure) for n, failure in enumerate(failures)))
    with pytest.raises(ModelFailed) as failure:
        service.complete(PROMPT, None)
    assert failure.value is reported


def test_no_model_is_called_after_the_time_of_all() -> None:
    slow = Named("a", OUTAGE, lambda: time.sleep(0.1))
    late = Named("b")
    with pytest.raises(ModelFailed, match=r"^status-500$"):
        replace(make_service(slow, late), seconds=0.05).complete(PROMPT, None)
    assert late.calls == 0


def test_a_deadline_inside_another_ends_with_the_sooner() -> None:
    with deadline(10) as whole, deadline(1) as part:
        assert part < whole
        with deadline(60) as inner:
            assert inner == part
    with deadline(60) as again:
        assert again > whole


def test_each_model_has_a_breaker_of_its_own() -> None:
    store = MemoryStore()
    down, up = Named("a", OUTAGE), Named("b")
    service = make_service(
        make_provider(down, CircuitBreaker(store, "openai", VARIABLES)),
        make_provider(up, CircuitBreaker(store, "openai:b", VARIABLES)),
    )
    for _ in range(FAILURES_TO_OPEN + 3):
        assert service.complete(PROMPT, None).reply.summary == "by b"
    assert (down.calls, up.calls) == (FAILURES_TO_OPEN, FAILURES_TO_OPEN + 3)


def test_a_few_threads_call_at_once_and_waiting_counts() -> None:
    free = threading.Event()
    entered = threading.Event()

    def hold() -> None:
        entered.set()
        free.wait(5)

    slots = threading.Semaphore(1)
    holding = make_service(replace(make_provider(Named("a", then=hold)), slots=slots))
    holder = threading.Thread(target=holding.complete, args=(PROMPT, None))
    holder.start()
    entered.wait(5)
    model = Named("b")
    waiting = replace(make_provider(model), slots=slots, seconds=0.05)
    with pytest.raises(ModelFailed, match=r"^busy$") as failure:
        make_service(waiting).complete(PROMPT, None)
    free.set()
    holder.join(5)
    assert failure.value.outage
    assert model.calls == 0
    free_again = make_service(replace(waiting, seconds=1))
    assert free_again.complete(PROMPT, None).reply.summary == "by b"


@pytest.mark.parametrize("summary", ["N/A", "{", "Export crashes", "export crashes!"])
def test_a_summary_that_says_nothing_is_a_failure_of_the_model(summary: str) -> None:
    issue = make_issue("Export crashes", "It happens with each file since the upgrade.")
    service = make_service(ScriptedModel(model_reply(summary)))
    with pytest.raises(ModelFailed, match=r"^empty-summary$"):
        service.complete(PROMPT, ModelCall(issue, FakeForge(issue), LIMITS, True))


def test_the_title_of_an_issue_without_a_body_is_a_summary() -> None:
    service = make_service(ScriptedModel(model_reply("Export crashes")))
    issue = make_issue("Export crashes")
    call = ModelCall(issue, FakeForge(issue), LIMITS, True)
    assert service.complete(PROMPT, call).reply.summary == "Export crashes"
