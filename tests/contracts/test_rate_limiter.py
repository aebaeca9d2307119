"""When an account may comment next."""

from __future__ import annotations

import pytest
import redis

from bot.core.ports import RateLimiter
from bot.core.types import Rate
from bot.store.rate_limiter import RedisRateLimiter
from tests.clock import Clock


@pytest.fixture
def limiter(client: redis.Redis, clock: Clock) -> RateLimiter:
    return RedisRateLimiter(client, clock)


def reserve(limiter: RateLimiter, rate: Rate, numbers: range, account: str = "a") -> list[float]:
    return [limiter.reserve(account, f"t{number}", rate) for number in numbers]


def test_reservations_keep_below_both_limits_in_every_window(limiter: RateLimiter) -> None:
    times = reserve(limiter, Rate(per_minute=3, per_hour=8), range(12))
    assert times[:3] == [0, 0, 0]
    for at in times:
        assert sum(at <= other < at + 60 for other in times) <= 3
        assert sum(at <= other < at + 3600 for other in times) <= 8
    assert max(times) < 2 * 3600


def test_a_reservation_keeps_its_time_and_accounts_are_apart(
    limiter: RateLimiter, clock: Clock
) -> None:
    rate = Rate(per_minute=1, per_hour=100)
    assert reserve(limiter, rate, range(2)) == [0, 60]
    reserved = [limiter.is_reserved("a", issue) for issue in ("t0", "t1", "t2")]
    assert reserved == [False, True, False]
    clock.now += 20
    assert reserve(limiter, rate, range(2)) == [0, 40]
    assert reserve(limiter, rate, range(2), "b") == [0, 60]
    clock.now += 45
    assert reserve(limiter, rate, range(3)) == [0, 0, 55]


def test_a_reservation_is_void_an_hour_after_its_time(limiter: RateLimiter, clock: Clock) -> None:
    rate = Rate(per_minute=1, per_hour=1)
    assert reserve(limiter, rate, range(2)) == [0, 3600]
    clock.now += 3601
    assert reserve(limiter, rate, range(1)) == [3599]


def test_a_pause_that_the_forge_wants_ends(limiter: RateLimiter) -> None:
    assert limiter.pause_left("a") == 0
    limiter.pause("a", 30)
    assert 29 < limiter.pause_left("a") <= 30
    assert limiter.pause_left("b") == 0
