"""Budgets, in memory and in Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
import redis

from bot.core.ports import BudgetStore
from bot.core.pricing import Limits
from bot.store.no_store import ProcessBudgets
from bot.store.redis import RedisStore
from tests.clock import Clock
from tests.memory_store import MemoryStore

_texts = count(1)
LIMITS = Limits(day_usd=1.0, repository_usd=0.5, author_per_hour=2)


@pytest.fixture
def budgets(store: MemoryStore | RedisStore) -> BudgetStore:
    return store.budgets


def reserve(budgets: BudgetStore, repository: str, author: str, usd: float, limits: Limits) -> str:
    """Reserve for another text each time."""
    return budgets.reserve(repository, author, f"text {next(_texts)}", usd, limits)


def test_within_all_budgets_a_call_may_be_made(budgets: BudgetStore) -> None:
    assert reserve(budgets, "acme/a", "ann", 0.1, LIMITS) == ""


def test_a_repository_stops_at_its_budget_and_others_go_on(budgets: BudgetStore) -> None:
    assert [reserve(budgets, "acme/a", "", 0.2, LIMITS) for _ in range(3)] == ["", "", "repository"]
    assert reserve(budgets, "acme/b", "", 0.2, LIMITS) == ""


def test_everything_stops_at_the_budget_of_the_day(budgets: BudgetStore) -> None:
    assert [reserve(budgets, f"acme/{n}", "", 0.4, LIMITS) for n in range(3)] == ["", "", "day"]


def test_without_a_budget_for_the_day_repositories_still_have_theirs(budgets: BudgetStore) -> None:
    free = Limits(None, 0.5, 2)
    assert [reserve(budgets, f"acme/{n}", "", 0.4, free) for n in range(9)] == [""] * 9


def test_an_author_stops_after_so_many_issues_an_hour(budgets: BudgetStore, clock: Clock) -> None:
    assert [reserve(budgets, "acme/a", "ann", 0.0, LIMITS) for _ in range(3)] == ["", "", "author"]
    assert reserve(budgets, "acme/a", "bob", 0.0, LIMITS) == ""
    assert reserve(budgets, "acme/a", "", 0.0, LIMITS) == ""
    clock.now += 3600
    assert reserve(budgets, "acme/a", "ann", 0.0, LIMITS) == ""


def test_our_own_second_try_does_not_count_against_the_author(
    budgets: BudgetStore, clock: Clock
) -> None:
    def again(text: str) -> str:
        return budgets.reserve("acme/a", "ann", text, 0.0, LIMITS)

    assert [again("one") for _ in range(5)] == [""] * 5
    assert [again("two"), again("three"), again("one")] == ["", "author", ""]


def test_what_was_not_spent_is_given_back(budgets: BudgetStore) -> None:
    for _ in range(10):
        assert reserve(budgets, "acme/a", "", 0.4, LIMITS) == ""
        budgets.settle("acme/a", 0.01 - 0.4)
    assert reserve(budgets, "acme/a", "", 0.41, LIMITS) == "repository"


def test_a_new_day_has_a_new_budget(budgets: BudgetStore, clock: Clock) -> None:
    assert reserve(budgets, "acme/a", "", 0.5, LIMITS) == ""
    assert reserve(budgets, "acme/a", "", 0.1, LIMITS) == "repository"
    clock.now += 86_400
    assert reserve(budgets, "acme/a", "", 0.1, LIMITS) == ""


def test_a_refused_call_costs_nothing(budgets: BudgetStore) -> None:
    assert reserve(budgets, "acme/a", "ann", 2.0, LIMITS) == "day"
    assert [reserve(budgets, "acme/a", "ann", 0.1, LIMITS) for _ in range(2)] == ["", ""]


def test_many_workers_together_never_pass_the_budget(budgets: BudgetStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: reserve(budgets, "acme/a", "", 0.1, LIMITS), range(40)))
    assert answers.count("") == 5


def test_without_redis_a_single_issue_still_meets_its_limits() -> None:
    budgets = ProcessBudgets()
    assert reserve(budgets, "acme/a", "ann", 0.4, LIMITS) == ""
    assert reserve(budgets, "acme/a", "ann", 0.2, LIMITS) == "repository"
    budgets.settle("acme/a", -0.3)
    assert reserve(budgets, "acme/a", "ann", 0.2, LIMITS) == ""
    assert reserve(budgets, "acme/a", "ann", 0.9, LIMITS) == "day"
    none_for_authors = Limits(day_usd=None, repository_usd=0.5, author_per_hour=0)
    assert reserve(budgets, "acme/a", "ann", 0.0, none_for_authors) == "author"
    assert reserve(budgets, "acme/a", "", 0.0, none_for_authors) == ""


def test_redis_never_holds_an_author_s_name(client: redis.Redis) -> None:
    reserve(RedisStore(client).budgets, "acme/a", "quokkaberry", 0.1, LIMITS)
    kept = [client.hgetall(key) for key in client.scan_iter()]
    assert "quokkaberry" not in repr(kept)
    assert len(kept) == 2
