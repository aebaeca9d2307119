"""When each account may comment next: every waiting job holds a ticket with its own moment."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from bot.core.types import Rate

HOUR, MINUTE = 3600.0, 60.0

# KEYS: an account's tickets by their moment. ARGV: ticket, now, tickets a minute, tickets an hour.
TAKE = """
local now = tonumber(ARGV[2])
redis.call('zremrangebyscore', KEYS[1], '-inf', now - 3600)
local mine = redis.call('zscore', KEYS[1], ARGV[1])
if mine then return tostring(math.max(mine - now, 0)) end
local at = now
local function after(place, seconds)
    local one = redis.call('zrevrange', KEYS[1], place - 1, place - 1, 'withscores')
    if one[2] then at = math.max(at, one[2] + seconds) end
end
after(tonumber(ARGV[3]), 60)
after(tonumber(ARGV[4]), 3600)
redis.call('zadd', KEYS[1], at, ARGV[1])
redis.call('expire', KEYS[1], math.ceil(at - now) + 7200)
return tostring(at - now)
"""


class RedisRateLimiter:
    """Implements the `Pace` port for all workers together."""

    def __init__(
        self, client: redis.Redis, namespace: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._name = f"{namespace}:pace"
        self._clock = clock
        self._take = client.register_script(TAKE)

    def reserve(self, account: str, ticket: str, rate: Rate) -> float:
        args: list[str | float] = [ticket, self._clock(), rate.per_minute, rate.per_hour]
        return float(self._take(keys=[f"{self._name}:{account}"], args=args))

    def is_reserved(self, account: str, ticket: str) -> bool:
        moment = self._client.zscore(f"{self._name}:{account}", ticket)
        return moment is not None and float(moment) > self._clock()

    def pause(self, account: str, seconds: float) -> None:
        self._client.set(self._silence(account), 1, px=max(int(seconds * 1000), 1))

    def pause_left(self, account: str) -> float:
        return max(float(self._client.pttl(self._silence(account))), 0.0) / 1000

    def _silence(self, account: str) -> str:
        return f"{self._name}:silence:{account}"


class MemoryRateLimiter:
    """Implements the `Pace` port where single issues are enriched by hand: nothing to wait for."""

    def reserve(self, account: str, ticket: str, rate: Rate) -> float:
        return 0.0

    def is_reserved(self, account: str, ticket: str) -> bool:
        return False

    def pause(self, account: str, seconds: float) -> None:
        pass

    def pause_left(self, account: str) -> float:
        return 0.0
