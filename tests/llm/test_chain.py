"""Further models: in order, behind a breaker each, within one time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from bot.core.errors import ModelFailed
from bot.core.ports import FAILURES_TO_OPEN
from bot.core.prompt import Answer, Prompt
from bot.core.types import Usage
from bot.http import deadline
from bot.llm.breaker import CircuitBreaker
from bot.llm.chain import ConcurrencyLimit, FallbackChain
from bot.store.memory import MemoryStore

PROMPT = Prompt("The rules.", '{"title":"Broken"}', {})
OUTAGE = ModelFailed("status-500", outage=True)
REFUSED = ModelFailed("status-401", needs_operator=True)
USELESS = ModelFailed("not-json")


class Named:
    """A model that answers with its name, or fails; `then` happens first."""

    def __init__(
        self, name: str, failure: ModelFailed | None = None, then: Callable[[], object] = int
    ) -> None:
        self.name, self.failure, self.then = name, failure, then
        self.asked = 0

    def worst_usd(self, tokens_in: int) -> float:
        return tokens_in / 1000

    def ask(self, prompt: Prompt) -> Answer:
        self.asked += 1
        self.then()
        if self.failure:
            raise self.failure
        return Answer(f"by {self.name}", Usage(self.name, 7, 3, 0.0))


def test_the_first_model_is_the_only_one_asked_while_it_answers() -> None:
    first, second = Named("a"), Named("b")
    assert FallbackChain([first, second], 5).ask(PROMPT).usage.model == "a"
    assert second.asked == 0


def test_the_worst_case_counts_every_model_that_may_be_asked() -> None:
    assert FallbackChain([Named("a"), Named("b")], 5).worst_usd(1000) == 2


@pytest.mark.parametrize("failure", [OUTAGE, REFUSED, USELESS], ids=lambda x: x.reason)
def test_who_spoke_in_vain_is_paid_for_and_who_was_down_is_not(failure: ModelFailed) -> None:
    question = Prompt("The rules.", "x" * 2990, {})
    usage = FallbackChain([Named("a", failure), Named("b")], 5).ask(question).usage
    assert usage.cost_usd == (1.0 if failure is USELESS else 0.0)


@pytest.mark.parametrize("failure", [OUTAGE, REFUSED, USELESS], ids=lambda x: x.reason)
def test_the_next_model_answers_and_is_named(failure: ModelFailed) -> None:
    chain = FallbackChain([Named("a", failure), Named("b", failure), Named("c")], 5)
    assert chain.name == "a"
    answer = chain.ask(PROMPT)
    assert (answer.text, answer.usage.model) == ("by c", "c")


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([OUTAGE, REFUSED], OUTAGE),
        ([REFUSED, OUTAGE], REFUSED),
        ([OUTAGE, USELESS], USELESS),
        ([USELESS, OUTAGE], USELESS),
    ],
)
def test_where_all_fail_the_first_is_told_unless_another_spoke(
    failures: list[ModelFailed], told: ModelFailed
) -> None:
    chain = FallbackChain([Named(str(n), failure) for n, failure in enumerate(failures)], 5)
    with pytest.raises(ModelFailed) as failure:
        chain.ask(PROMPT)
    assert failure.value is told


def test_nobody_is_asked_after_the_time_of_all() -> None:
    slow = Named("a", OUTAGE, lambda: time.sleep(0.1))
    late = Named("b")
    with pytest.raises(ModelFailed, match=r"^status-500$"):
        FallbackChain([slow, late], 0.05).ask(PROMPT)
    assert late.asked == 0


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
    chain = FallbackChain(
        [
            CircuitBreaker(down, store, "openai", "OPENAI_API_KEY", "LLM_MODEL"),
            CircuitBreaker(up, store, "openai:b", "OPENAI_API_KEY", "LLM_FALLBACK_MODELS"),
        ],
        5,
    )
    for _ in range(FAILURES_TO_OPEN + 3):
        assert chain.ask(PROMPT).text == "by b"
    assert (down.asked, up.asked) == (FAILURES_TO_OPEN, FAILURES_TO_OPEN + 3)


def test_a_few_threads_ask_at_once_and_waiting_counts() -> None:
    free = threading.Event()
    entered = threading.Event()

    def hold() -> None:
        entered.set()
        free.wait(5)

    slots = threading.Semaphore(1)
    holder = threading.Thread(
        target=ConcurrencyLimit(Named("a", then=hold), slots, 5).ask, args=(PROMPT,)
    )
    holder.start()
    entered.wait(5)
    waiting = Named("b")
    with pytest.raises(ModelFailed, match=r"^busy$") as failure:
        ConcurrencyLimit(waiting, slots, 0.05).ask(PROMPT)
    free.set()
    holder.join(5)
    assert failure.value.outage
    assert waiting.asked == 0
    assert ConcurrencyLimit(waiting, slots, 1).ask(PROMPT).text == "by b"
