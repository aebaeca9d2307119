"""Where issues wait for a model, and when an account may comment next: in memory and in Redis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from bot.core.ports import RetrySchedule
from bot.core.types import Rate
from bot.store.rate_limiter import RedisRateLimiter
from bot.store.redis import RedisStore
from bot.store.retry_schedule import TAKEN_SECONDS, MemoryRetrySchedule, RedisRetrySchedule
from tests.fakes import NOW, REF

ONE, TWO, THREE = (replace(REF, number=number) for number in (1, 2, 3))


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        made.delete(*(made.keys("room:*") or ["room"]))
        yield made


@pytest.fixture(params=["memory", "redis"])
def retry_schedule(request: pytest.FixtureRequest, client: redis.Redis) -> RetrySchedule:
    return (
        MemoryRetrySchedule() if request.param == "memory" else RedisRetrySchedule(client, "room")
    )


def test_each_comes_when_it_is_due_and_again_when_its_job_got_lost(
    retry_schedule: RetrySchedule,
) -> None:
    retry_schedule.schedule(ONE, NOW)
    retry_schedule.schedule(TWO, NOW + 60)
    assert retry_schedule.take_due(NOW) == ONE
    assert retry_schedule.take_due(NOW) is None
    assert retry_schedule.take_due(NOW + 60) == TWO
    assert retry_schedule.take_due(NOW + TAKEN_SECONDS) == ONE


def test_they_come_one_by_one_the_first_due_first(retry_schedule: RetrySchedule) -> None:
    for ref, due in ((ONE, NOW), (TWO, NOW - 2), (THREE, NOW - 1)):
        retry_schedule.schedule(ref, due)
    assert [retry_schedule.take_due(NOW) for _ in range(4)] == [TWO, THREE, ONE, None]


def test_who_leaves_comes_no_more(retry_schedule: RetrySchedule) -> None:
    retry_schedule.schedule(ONE, NOW)
    retry_schedule.suspend(TWO, NOW)
    retry_schedule.remove(ONE)
    retry_schedule.remove(TWO)
    retry_schedule.resume(NOW, everybody=True)
    assert retry_schedule.take_due(NOW + 9999) is None


def test_one_probe_a_minute_the_longest_parked_first(retry_schedule: RetrySchedule) -> None:
    retry_schedule.suspend(TWO, NOW + 1)
    retry_schedule.suspend(ONE, NOW)
    assert retry_schedule.take_due(NOW + 9) is None
    assert retry_schedule.take_probe(NOW + 9) == ONE
    assert retry_schedule.take_probe(NOW + 10) is None


def test_who_is_due_may_be_the_probe(retry_schedule: RetrySchedule) -> None:
    retry_schedule.schedule(ONE, NOW + 5)
    assert retry_schedule.take_probe(NOW) is None
    assert retry_schedule.take_probe(NOW + 5) == ONE


def test_the_parked_ones_are_due_at_once_and_the_others_keep_their_time(
    retry_schedule: RetrySchedule,
) -> None:
    retry_schedule.suspend(ONE, NOW)
    retry_schedule.schedule(TWO, NOW + 60)
    retry_schedule.resume(NOW)
    assert retry_schedule.take_due(NOW) == ONE
    retry_schedule.resume(NOW, everybody=True)
    assert retry_schedule.take_due(NOW) == TWO  # the first one's job is at work


def tickets(pace: RedisRateLimiter, rate: Rate, names: range, account: str = "a") -> list[float]:
    return [pace.reserve(account, f"t{name}", rate) for name in names]


def test_tickets_keep_below_both_limits_in_every_window(client: redis.Redis) -> None:
    pace = RedisRateLimiter(client, "room", lambda: NOW)
    waits = tickets(pace, Rate(per_minute=3, per_hour=8), range(12))
    assert waits[:3] == [0, 0, 0]
    for at in waits:
        assert sum(at <= other < at + 60 for other in waits) <= 3
        assert sum(at <= other < at + 3600 for other in waits) <= 8
    assert max(waits) < 2 * 3600


def test_a_ticket_keeps_its_moment_and_accounts_do_not_meet(client: redis.Redis) -> None:
    now = [NOW]
    pace = RedisRateLimiter(client, "room", lambda: now[0])
    rate = Rate(per_minute=1, per_hour=100)
    assert tickets(pace, rate, range(2)) == [0, 60]
    assert [pace.is_reserved("a", ticket) for ticket in ("t0", "t1", "t2")] == [False, True, False]
    now[0] += 20
    assert tickets(pace, rate, range(2)) == [0, 40]
    assert tickets(pace, rate, range(2), "b") == [0, 60]
    now[0] += 45
    assert tickets(pace, rate, range(3)) == [0, 0, 55]


def test_a_silence_that_the_forge_wants_ends(client: redis.Redis) -> None:
    pace = RedisRateLimiter(client, "room", lambda: NOW)
    assert pace.pause_left("a") == 0
    pace.pause("a", 30)
    assert 29 < pace.pause_left("a") <= 30
    assert pace.pause_left("b") == 0


def test_the_ledger_leases_once_and_remembers_places(client: redis.Redis) -> None:
    state = RedisStore(client, "room", lambda: NOW).reconcile_state
    assert [state.lease("sweep", 60) for _ in range(2)] == [True, False]
    state.save_repositories([replace(ONE, number=0)])
    assert state.repositories() == (replace(ONE, number=0),)
    state.forget_repository(ONE)
    assert state.repositories() == ()
    assert [state.attempts_today("x"), state.attempts_today("x"), state.attempts_today("y")] == [
        1,
        2,
        1,
    ]
