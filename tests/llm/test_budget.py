"""Budgets of a model call: what is reserved, what is settled, who is exempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from bot.core.errors import ModelFailed
from bot.core.ports import ModelCall
from bot.core.pricing import Limits, cost_usd
from bot.core.prompt import Prompt
from bot.core.types import Usage
from bot.llm.service import RemoteModelService
from tests.fakes import FakeForge, make_issue, make_service
from tests.memory_store import MemoryStore

PROMPT = Prompt("rules", "text " * 600, {})
ISSUE = make_issue("Broken", "It is.")
T = TypeVar("T")


class Paid:
    """A model with a list price that answers, or fails, and counts its calls."""

    def __init__(
        self,
        cost: float | None = 0.0004,
        failure: ModelFailed | None = None,
        name: str = "gpt-6-luna",
    ) -> None:
        self.cost, self.failure, self.name, self.calls = cost, failure, name, 0

    def worst_usd(self, tokens_in: int) -> float:
        return cost_usd(self.name, tokens_in, 2000) or 0.0

    def complete(self, prompt: Prompt, parse: Callable[[str], T]) -> tuple[T, Usage]:
        self.calls += 1
        if self.failure:
            raise self.failure
        return parse('{"summary": "It is."}'), Usage(self.name, 1000, 600, self.cost)


@dataclass(frozen=True)
class Budgeted:
    """Calls of a service that share a store, about issues of the same author."""

    service: RemoteModelService
    limits: Limits
    exempt: bool = False
    forge: FakeForge = field(default_factory=lambda: FakeForge(ISSUE))

    def ask(self, body: str = ISSUE.body) -> None:
        issue = replace(ISSUE, body=body)
        self.service.complete(PROMPT, ModelCall(issue, self.forge, self.limits, self.exempt))

    def ask_until_refused(self, most: int = 50) -> tuple[int, str]:
        """The number of calls about different issues before one fails, and why it does."""
        for times in range(most):
            try:
                self.ask(f"{ISSUE.body} {times}")
            except ModelFailed as failure:
                return times, failure.reason
        return most, ""


def budgeted(
    *models: Paid,
    store: MemoryStore | None = None,
    usd: float = 1.0,
    each: int = 5,
    exempt: bool = False,
) -> Budgeted:
    service = make_service(*models, store=store or MemoryStore())
    return Budgeted(service, Limits(None, usd, each), exempt)


def test_calls_stop_at_the_repository_s_budget_and_never_pass_it() -> None:
    model = Paid(cost=0.001)
    times, reason = budgeted(model, usd=0.01, each=99).ask_until_refused()
    assert reason == "over-budget-repository"
    assert 5 <= times <= 10
    assert model.calls == times


def test_an_outage_costs_nothing() -> None:
    store, down = MemoryStore(), ModelFailed("timeout", outage=True)
    for _ in range(20):
        with pytest.raises(ModelFailed, match="timeout"):
            budgeted(Paid(failure=down), store=store, usd=0.0015, each=99).ask()
    budgeted(Paid(), store=store, usd=0.0015, each=99).ask()


def test_an_answer_without_token_counts_is_charged_as_the_longest_one() -> None:
    times, reason = budgeted(Paid(cost=None), usd=0.01, each=99).ask_until_refused()
    assert reason == "over-budget-repository"
    assert times <= 10


def test_an_answer_that_cannot_be_used_is_charged_all_the_same() -> None:
    unusable = Paid(failure=ModelFailed("not-json"))
    assert budgeted(unusable, usd=0.01, each=99).ask_until_refused() == (0, "not-json")
    one = budgeted(unusable, usd=0.004, each=99)
    for _ in range(3):
        with pytest.raises(ModelFailed, match="not-json"):
            one.ask()
    with pytest.raises(ModelFailed, match="over-budget-repository"):
        one.ask()


def test_every_model_that_may_be_called_is_reserved_for() -> None:
    """What fits into the budget for one model does not for two."""
    worst = Paid().worst_usd(PROMPT.tokens)
    budgeted(Paid(), usd=worst * 1.5).ask()
    with pytest.raises(ModelFailed, match="over-budget-repository"):
        budgeted(Paid(), Paid(), usd=worst * 1.5).ask()


def test_a_command_is_exempt_from_the_author_s_limit() -> None:
    assert budgeted(Paid(0.0), each=0, exempt=True).ask_until_refused(9)[0] == 9


def test_a_model_without_a_price_is_bounded_by_the_author_s_limit_only() -> None:
    local = Paid(cost=None, name="a-local-model")
    assert budgeted(local, usd=0.0).ask_until_refused() == (5, "over-budget-author")
