"""The searches for older issues that accounts may send, in Redis."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from bot.core import redis_keys

# KEYS: an account's searches by their time, its pause. ARGV: now, searches a minute.
TAKE = """
if redis.call('exists', KEYS[2]) == 1 then return 0 end
local now = tonumber(ARGV[1])
redis.call('zremrangebyscore', KEYS[1], '-inf', now - 60)
local used = redis.call('zcard', KEYS[1])
if used >= tonumber(ARGV[2]) then return 0 end
redis.call('zadd', KEYS[1], now, ARGV[1] .. ':' .. used)
redis.call('expire', KEYS[1], 60)
return 1
"""


class RedisSearchBudget:
    """Implements `SearchBudget` for all workers together. `clock` is in seconds since the epoch."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock
        self._take = client.register_script(TAKE)

    def take(self, account: str, per_minute: int) -> bool:
        keys = [redis_keys.SEARCHES.format(account=account), _pause_key(account)]
        return bool(self._take(keys=keys, args=[self._clock(), per_minute]))

    def pause(self, account: str, seconds: float) -> None:
        self._client.set(_pause_key(account), 1, px=max(int(seconds * 1000), 1))


def _pause_key(account: str) -> str:
    return redis_keys.SEARCH_PAUSE.format(account=account)
