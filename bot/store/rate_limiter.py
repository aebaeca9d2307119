"""The times at which accounts may comment. Every waiting job has a reservation with a time."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from bot.core import redis_keys
from bot.core.types import Rate

# KEYS: an account's reservations by their time. ARGV: issue, now, comments a minute and an hour.
RESERVE = """
local now = tonumber(ARGV[2])
redis.call('zremrangebyscore', KEYS[1], '-inf', now - 3600)
local reserved = redis.call('zscore', KEYS[1], ARGV[1])
if reserved then return tostring(math.max(reserved - now, 0)) end
local at = now
local function after(rank, seconds)
    local one = redis.call('zrevrange', KEYS[1], rank - 1, rank - 1, 'withscores')
    if one[2] then at = math.max(at, one[2] + seconds) end
end
after(tonumber(ARGV[3]), 60)
after(tonumber(ARGV[4]), 3600)
redis.call('zadd', KEYS[1], at, ARGV[1])
redis.call('expire', KEYS[1], math.ceil(at - now) + 7200)
return tostring(at - now)
"""


class RedisRateLimiter:
    """Implements `RateLimiter` for all workers together."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._reserve = client.register_script(RESERVE)

    def reserve(self, account: str, issue: str, rate: Rate) -> float:
        args: list[str | float] = [issue, self._clock(), rate.per_minute, rate.per_hour]
        key = redis_keys.RESERVATIONS.format(account=account)
        return float(self._reserve(keys=[key], args=args))

    def is_reserved(self, account: str, issue: str) -> bool:
        at = self._client.zscore(redis_keys.RESERVATIONS.format(account=account), issue)
        return at is not None and float(at) > self._clock()

    def pause(self, account: str, seconds: float) -> None:
        key = redis_keys.PAUSE.format(account=account)
        self._client.set(key, 1, px=max(int(seconds * 1000), 1))

    def pause_left(self, account: str) -> float:
        left = self._client.pttl(redis_keys.PAUSE.format(account=account))
        return max(float(left), 0.0) / 1000
