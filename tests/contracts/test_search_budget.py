"""How often an account may search, in memory and in Redis."""

from __future__ import annotations

import time

import pytest

from bot.core.related_port import SearchBudget
from bot.store.redis import RedisStore
from tests.clock import Clock
from tests.memory_store import MemoryStore


@pytest.fixture
def budget(store: MemoryStore | RedisStore) -> SearchBudget:
    return store.search_budget


def test_no_minute_has_more_searches_of_an_account_than_permitted(
    budget: SearchBudget, clock: Clock
) -> None:
    sent = []
    for _ in range(300):
        if budget.take("a", 8):
            sent.append(clock.now)
        clock.now += 0.7
    assert all(sum(at <= other < at + 60 for other in sent) <= 8 for at in sent)
    assert len(sent) >= 8 * 3


def test_searches_at_the_same_time_count_each_and_accounts_are_apart(budget: SearchBudget) -> None:
    assert [budget.take("a", 12) for _ in range(13)] == [True] * 12 + [False]
    assert budget.take("b", 1)


def test_a_pause_stops_the_searches_of_its_account_until_it_ends(
    budget: SearchBudget, clock: Clock
) -> None:
    assert budget.take("a", 100)
    budget.pause("a", 0.05)
    assert not budget.take("a", 100)
    assert budget.take("b", 100)
    time.sleep(0.06)  # Redis ends it by its own clock
    clock.now += 0.06
    assert budget.take("a", 100)
