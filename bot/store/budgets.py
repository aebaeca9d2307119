"""What was spent today, and how often each author's issues were sent to a model this hour.

Authors are kept as digests. Amounts are whole microdollars, so that sums stay exact.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable

import redis

from bot.core.pricing import Limits

DAY, HOUR = 86_400, 3_600
MICRO = 1_000_000
UNLIMITED = 2**53

# KEYS: today's spending, this hour's authors.
# ARGV: repository, author or "", amount, limits of all, of the repository, of the author, the text.
RESERVE = """
local amount = tonumber(ARGV[3])
local function spent(field) return tonumber(redis.call('hget', KEYS[1], field) or 0) end
if spent('all') + amount > tonumber(ARGV[4]) then return 'day' end
if spent(ARGV[1]) + amount > tonumber(ARGV[5]) then return 'repository' end
if ARGV[2] ~= '' and redis.call('hexists', KEYS[2], ARGV[7]) == 0 then
    local asked = tonumber(redis.call('hget', KEYS[2], ARGV[2]) or 0)
    if asked >= tonumber(ARGV[6]) then return 'author' end
    redis.call('hincrby', KEYS[2], ARGV[2], 1)
    redis.call('hset', KEYS[2], ARGV[7], 1)
    redis.call('expire', KEYS[2], 7200)
end
redis.call('hincrby', KEYS[1], 'all', ARGV[3])
redis.call('hincrby', KEYS[1], ARGV[1], ARGV[3])
redis.call('expire', KEYS[1], 172800)
return ''
"""


class RedisBudgets:
    """Implements the `Purse` port for all workers together."""

    def __init__(
        self, client: redis.Redis, namespace: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._name = namespace
        self._clock = clock
        self._reserve = client.register_script(RESERVE)

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        now = self._clock()
        keys = [self._today(now), f"{self._name}:asked:{int(now // HOUR)}"]
        most = (_micro(limits.day_usd), _micro(limits.repository_usd), limits.author_per_hour)
        who: list[str | int] = [repository, _digest(author), _micro(usd)]
        answer = self._reserve(keys=keys, args=[*who, *most, _digest(text)])
        return bytes(answer).decode()

    def settle(self, repository: str, usd: float) -> None:
        key, amount = self._today(self._clock()), _micro(usd)
        with self._client.pipeline() as pipe:
            pipe.hincrby(key, "all", amount)
            pipe.hincrby(key, repository, amount)
            pipe.expire(key, 2 * DAY)
            pipe.execute()

    def _today(self, now: float) -> str:
        return f"{self._name}:spent:{int(now // DAY)}"


class MemoryBudgets:
    """Implements the `Purse` port for one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._spent: Counter[tuple[int, str]] = Counter()
        self._asked: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        now, amount = self._clock(), _micro(usd)
        day, hour = int(now // DAY), int(now // HOUR)
        with self._lock:
            if self._spent[day, "all"] + amount > _micro(limits.day_usd):
                return "day"
            if self._spent[day, repository] + amount > _micro(limits.repository_usd):
                return "repository"
            if author and not self._asked[hour, text]:
                if self._asked[hour, author] >= limits.author_per_hour:
                    return "author"
                self._asked[hour, author] += 1
                self._asked[hour, text] += 1
            self._spent[day, "all"] += amount
            self._spent[day, repository] += amount
        return ""

    def settle(self, repository: str, usd: float) -> None:
        day, amount = int(self._clock() // DAY), _micro(usd)
        with self._lock:
            self._spent[day, "all"] += amount
            self._spent[day, repository] += amount


def _micro(usd: float | None) -> int:
    return UNLIMITED if usd is None else round(usd * MICRO)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:24] if text else ""
