"""What the search for missed issues keeps, in memory and in Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.ports import ReconcileState
from bot.store.redis import RedisStore
from tests.clock import Clock
from tests.fakes import DAY, REF
from tests.memory_store import MemoryStore

REPOSITORY = replace(REF, number=0)


@pytest.fixture
def state(store: MemoryStore | RedisStore) -> ReconcileState:
    return store.reconcile_state


def test_a_lease_has_one_holder_and_leases_are_apart(state: ReconcileState) -> None:
    assert [state.lease("sweep", 60) for _ in range(2)] == [True, False]
    assert state.lease("deliveries", 60)


def test_a_lease_that_was_released_has_a_new_holder(state: ReconcileState) -> None:
    state.release("train")
    assert state.lease("train", 60)
    state.release("train")
    assert [state.lease("train", 60) for _ in range(2)] == [True, False]


def test_repositories_are_kept_once_until_they_are_forgotten(state: ReconcileState) -> None:
    assert state.repositories() == ()
    other = replace(REPOSITORY, repo_id=7002, repo="acme/gadget")
    state.save_repositories([REPOSITORY])
    renamed = replace(REPOSITORY, repo="acme/renamed")
    state.save_repositories([renamed, other])
    assert sorted(state.repositories(), key=str) == sorted((renamed, other), key=str)
    state.forget_repository(REF)
    assert state.repositories() == (other,)
    state.forget_repository(REF)


def test_a_repository_of_two_accounts_is_two(state: ReconcileState) -> None:
    other = replace(REPOSITORY, account="5002")
    state.save_repositories([REPOSITORY, other])
    assert {*state.repositories()} == {REPOSITORY, other}


def test_attempts_are_counted_per_key_and_day(state: ReconcileState, clock: Clock) -> None:
    assert [state.attempts_today(key) for key in ("x", "x", "y")] == [1, 2, 1]
    clock.now += DAY
    assert state.attempts_today("x") == 1
