"""Spending per day, and the number of each author's issues that were sent to a model in an hour.

Authors are stored as digests. Amounts are whole microdollars, so that sums stay exact.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import redis

from bot import log
from bot.core import redis_keys
from bot.core.pricing import MICRO, Limits, to_microdollars

DAY, HOUR = 86_400, 3_600

# KEYS: spending of the day, authors of the hour.
# ARGV: repository, author or "", amount, limits of all, of the repository, of the author, the text.
# Returns "" or which budget is used up, then `scope percent` where a budget reached that now.
RESERVE = """
local amount = tonumber(ARGV[3])
local function spent(field) return tonumber(redis.call('hget', KEYS[1], field) or 0) end
local result = {''}
local function mark(scope, field, percent)
    if redis.call('hsetnx', KEYS[1], percent .. ' ' .. field, 1) == 0 then return end
    if scope == 'repository' then redis.call('hincrby', KEYS[1], percent .. ' repositories', 1) end
    redis.call('expire', KEYS[1], 172800)
    result[#result + 1] = scope .. ' ' .. percent
end
local function is_used_up(scope, field, limit)
    local used, refused = spent(field), spent(field) + amount > limit
    if limit > 0 and used >= 0.8 * limit then mark(scope, field, 80) end
    if limit > 0 and (refused or used >= limit) then mark(scope, field, 100) end
    return refused
end
redis.call('hset', KEYS[1], 'limit', ARGV[4])
redis.call('expire', KEYS[1], 172800)
if is_used_up('operator', 'all', tonumber(ARGV[4])) then
    result[1] = 'day'
    return result
end
if is_used_up('repository', ARGV[1], tonumber(ARGV[5])) then
    result[1] = 'repository'
    return result
end
if ARGV[2] ~= '' and redis.call('hexists', KEYS[2], ARGV[7]) == 0 then
    local issues = tonumber(redis.call('hget', KEYS[2], ARGV[2]) or 0)
    if issues >= tonumber(ARGV[6]) then
        result[1] = 'author'
        return result
    end
    redis.call('hincrby', KEYS[2], ARGV[2], 1)
    redis.call('hset', KEYS[2], ARGV[7], 1)
    redis.call('expire', KEYS[2], 7200)
end
redis.call('hincrby', KEYS[1], 'all', ARGV[3])
redis.call('hincrby', KEYS[1], ARGV[1], ARGV[3])
return result
"""
ALERTS = {
    "80": "80 % of a day's budget are used",
    "100": "a day's budget is used up: no model is called for its issues until midnight UTC",
}


class RedisBudgets:
    """Implements `BudgetStore` for all workers together.

    A budget of which 80 %, or all, is used is a warning in the log, once a day.
    """

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._reserve = client.register_script(RESERVE)

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        now = self._clock()
        keys = [make_spent_key(now), redis_keys.AUTHORS.format(hour=int(now // HOUR))]
        request: list[str | int] = [repository, _compute_digest(author), to_microdollars(usd)]
        maximums = to_microdollars(limits.day_usd), to_microdollars(limits.repository_usd)
        args = [*request, *maximums, limits.author_per_hour, _compute_digest(text)]
        exhausted, *alerts = (part.decode() for part in self._reserve(keys=keys, args=args))
        for scope, percent in map(str.split, alerts):
            where = {"repository": repository} if scope == "repository" else {}
            log.get().warning(ALERTS[percent], scope=scope, percent=int(percent), **where)
        return str(exhausted)

    def settle(self, repository: str, usd: float) -> None:
        key, amount = make_spent_key(self._clock()), to_microdollars(usd)
        with self._client.pipeline() as pipe:
            pipe.hincrby(key, "all", amount)
            pipe.hincrby(key, repository, amount)
            pipe.expire(key, 2 * DAY)
            pipe.execute()

    def spent_today(self, repository: str) -> tuple[float, float]:
        """Return the dollars of a repository, and of all together."""
        values: Any = self._client.hmget(make_spent_key(self._clock()), [repository, "all"])
        of_repository, of_all = (int(value or 0) / MICRO for value in values)
        return of_repository, of_all


def make_spent_key(now: float) -> str:
    """Return the hash of a day's spending."""
    return redis_keys.SPENT.format(day=int(now // DAY))


def _compute_digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:24] if text else ""
