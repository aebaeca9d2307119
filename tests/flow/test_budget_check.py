"""Budgets of a job: what is set aside, what is settled, who is exempt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import ModelFailed
from bot.core.pricing import Limits, cost_usd
from bot.core.prompt import Answer, Prompt
from bot.core.types import Usage
from bot.flow.budget_check import BudgetCheck
from bot.store.budgets import MemoryBudgets
from tests.fakes import FakeForge, an_issue

PROMPT = Prompt("rules", "text " * 600, {})
ISSUE = an_issue("Broken", "It is.")


class Paid:
    """A model with a list price that answers, or fails, and counts how often it was asked."""

    def __init__(
        self,
        cost: float | None = 0.0004,
        failure: ModelFailed | None = None,
        name: str = "gpt-6-luna",
    ) -> None:
        self.cost, self.failure, self.name, self.asked = cost, failure, name, 0

    def worst_usd(self, tokens_in: int) -> float:
        return cost_usd(self.name, tokens_in, 2000) or 0.0

    def ask(self, prompt: Prompt) -> Answer:
        self.asked += 1
        if self.failure:
            raise self.failure
        return Answer("{}", Usage(self.name, 1000, 600, self.cost))


def budgeted(
    model: Paid, budgets: MemoryBudgets, usd: float = 1.0, each: int = 5, *, exempt: bool = False
) -> BudgetCheck:
    forge = FakeForge(ISSUE)
    return BudgetCheck(model, budgets, Limits(None, usd, each), ISSUE, forge, exempt)


def asked_until_refused(one: BudgetCheck, most: int = 50) -> tuple[int, str]:
    """Each time about another issue of the same author."""
    for times in range(most):
        another = replace(ISSUE, body=f"{ISSUE.body} {times}")
        try:
            replace(one, issue=another).ask(PROMPT)
        except ModelFailed as failure:
            return times, failure.reason
    return most, ""


def test_calls_stop_at_the_repository_s_budget_and_never_pass_it() -> None:
    model = Paid(cost=0.001)
    times, reason = asked_until_refused(budgeted(model, MemoryBudgets(), usd=0.01, each=99))
    assert reason == "over-budget-repository"
    assert 5 <= times <= 10
    assert model.asked == times


def test_an_outage_costs_nothing() -> None:
    budgets = MemoryBudgets()
    down = ModelFailed("timeout", outage=True)
    broken = budgeted(Paid(failure=down), budgets, usd=0.0015, each=99)
    for _ in range(20):
        with pytest.raises(ModelFailed, match="timeout"):
            broken.ask(PROMPT)
    assert budgeted(Paid(), budgets, usd=0.0015, each=99).ask(PROMPT).text == "{}"


def test_an_answer_whose_tokens_nobody_counted_is_taken_for_the_longest_one() -> None:
    uncounted = Paid(cost=None)
    times, reason = asked_until_refused(budgeted(uncounted, MemoryBudgets(), usd=0.01, each=99))
    assert reason == "over-budget-repository"
    assert times <= 10


def test_an_answer_that_is_of_no_use_is_paid_for_all_the_same() -> None:
    rubbish = Paid(failure=ModelFailed("not-json"))
    times, reason = asked_until_refused(budgeted(rubbish, MemoryBudgets(), usd=0.01, each=99))
    assert (times, reason) == (0, "not-json")
    budgets = MemoryBudgets()
    for _ in range(3):
        with pytest.raises(ModelFailed, match="not-json"):
            budgeted(rubbish, budgets, usd=0.004, each=99).ask(PROMPT)
    with pytest.raises(ModelFailed, match="over-budget-repository"):
        budgeted(rubbish, budgets, usd=0.004, each=99).ask(PROMPT)


def test_an_author_is_asked_for_only_so_often() -> None:
    assert asked_until_refused(budgeted(Paid(), MemoryBudgets(), each=3)) == (
        3,
        "over-budget-author",
    )


def test_a_person_who_can_write_has_no_limit_of_their_own() -> None:
    one = budgeted(Paid(0.0), MemoryBudgets(), each=1)
    assert isinstance(one.forge, FakeForge)
    one.forge.writers.add(ISSUE.author)
    assert asked_until_refused(one, 20) == (20, "")


def test_a_command_is_exempt_from_the_author_s_limit() -> None:
    assert asked_until_refused(budgeted(Paid(0.0), MemoryBudgets(), each=0, exempt=True), 9)[0] == 9


def test_a_model_without_a_price_is_bounded_by_the_author_s_limit_only() -> None:
    local = Paid(cost=None, name="a-local-model")
    assert asked_until_refused(budgeted(local, MemoryBudgets(), usd=0.0)) == (
        5,
        "over-budget-author",
    )
