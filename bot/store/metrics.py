"""Counters of all processes in one Redis hash; each process adds its counts every few seconds."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import redis

from bot import log
from bot.core import redis_keys
from bot.core.jobs import read_queued_at
from bot.core.metric_definitions import Key, MetricsSnapshot
from bot.core.pricing import MICRO, UNLIMITED
from bot.store.budgets import make_spent_key

EVERY_SECONDS = 5.0
BREAKERS = redis_keys.BREAKER_OPEN.partition("{")[0]
# Field of a day's spending → labels of the metric.
BUDGET_ALERTS = {
    f"{percent} {field}": (scope, str(percent))
    for scope, field in (("operator", "all"), ("repository", "repositories"))
    for percent in (80, 100)
}
NO_RATE = b"[1,0]"
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_rate = msgspec.json.Decoder(tuple[float, float])


class RedisMetrics:
    """Implements `Metrics`. A process that is killed loses the counts of its last seconds.

    `providers` are those whose circuit breakers are reported.
    """

    def __init__(
        self,
        client: redis.Redis,
        providers: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client, self._clock = client, clock
        self._providers = providers
        self._lock = threading.Lock()
        self._pending: Counter[Key] = Counter()
        self._rates: dict[str, tuple[float, float]] = {}  # forge → lowest share left, until when
        self._closed = threading.Event()
        self._writer: threading.Thread | None = None

    def count(self, what: str, *labels: str) -> None:
        with self._lock:
            self._pending[what, *labels] += 1
            self._start_writer()

    def _start_writer(self) -> None:
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="metrics", daemon=True)
            self._writer.start()

    def snapshot(self) -> MetricsSnapshot:
        """Return all counters and gauges. Raises `ConnectionError` if Redis does not answer."""
        self.flush()
        try:
            counters: Any = self._client.hgetall(redis_keys.COUNTERS)
            return MetricsSnapshot(_decode(counters), self._read_gauges(self._clock()))
        except redis.RedisError as error:
            raise ConnectionError(type(error).__name__) from None

    def _read_gauges(self, now: float) -> dict[Key, float]:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.llen(redis_keys.QUEUE)
            pipe.llen(redis_keys.DELAYED)
            pipe.zcard(redis_keys.DEAD)
            pipe.exists(redis_keys.PAUSED)
            pipe.lindex(redis_keys.QUEUE, 0)
            pipe.hmget(make_spent_key(now), ["all", "limit", *BUDGET_ALERTS])
            pipe.hgetall(redis_keys.RATES)
            waiting, later, dead, paused, first, (spent, limit, *alerts), rates = pipe.execute()
        message: Any = self._client.hget(redis_keys.QUEUE_MESSAGES, first) if first else None
        gauges: dict[Key, float] = {
            ("queue_jobs", "waiting"): waiting,
            ("queue_jobs", "later"): later,
            ("queue_jobs", "dead"): dead,
            ("queue_oldest_seconds",): max(now - read_queued_at(message), 0) if message else 0,
            ("paused",): paused,
            ("spent_usd",): int(spent or 0) / MICRO,
        }
        if 0 < int(limit or 0) < UNLIMITED:
            gauges["budget_used_ratio",] = int(spent or 0) / int(limit)
        for labels, number in zip(BUDGET_ALERTS.values(), alerts, strict=True):
            gauges["budget_alerts", *labels] = int(number or 0)
        for forge, value in rates.items():
            left, until = _rate.decode(value)
            if until > now:
                gauges["rate_left_ratio", forge.decode()] = left
        return gauges | self._read_breakers()

    def _read_breakers(self) -> dict[Key, float]:
        """Return the breakers of the providers that were called; the receiver may not know them."""
        keys = redis_keys.BREAKER_ANSWERS, redis_keys.BREAKER_OPEN
        patterns = [re.compile(key.format(provider="(.+)")) for key in keys]
        names = [name.decode() for name in self._client.scan_iter(f"{BREAKERS}*", 1000)]
        called, is_open = ({m[1] for name in names if (m := x.fullmatch(name))} for x in patterns)
        known = sorted(called | is_open | {*self._providers})
        return {("breaker_open", provider): provider in is_open for provider in known}

    def report_pause(self) -> None:
        """Note for half a minute that this worker is paused. Raises `redis.RedisError`."""
        self._client.set(redis_keys.PAUSED, 1, ex=30)

    def report_rate(self, forge: str, left: float, until: float) -> None:
        """Note the share that is left of a rate limit which ends at a time; the lowest counts."""
        with self._lock:
            self._rates[forge] = min((left, until), self._rates.get(forge, (1.0, until)))
            self._start_writer()

    def flush(self) -> None:
        """Add the pending counts in Redis; keep them for the next time if it does not answer."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
            rates, self._rates = self._rates, {}
        if not pending and not rates:
            return
        try:
            known: Any = self._client.hgetall(redis_keys.RATES) if rates else {}
            with self._client.pipeline() as pipe:
                for forge, rate in rates.items():
                    lowest = min(rate, _rate.decode(known.get(forge.encode(), NO_RATE)))
                    value = lowest if lowest[1] > self._clock() else rate
                    pipe.hset(redis_keys.RATES, forge, msgspec.json.encode(value))
                    pipe.expire(redis_keys.RATES, 7200)
                for key, number in pending.items():
                    pipe.hincrby(redis_keys.COUNTERS, msgspec.json.encode(key).decode(), number)
                pipe.execute()
        except redis.RedisError as error:
            log.get().debug("counters wait for Redis", error=type(error).__name__)
            with self._lock:
                self._pending += pending

    def close(self) -> None:
        self._closed.set()
        if self._writer:
            self._writer.join(2 * EVERY_SECONDS)
        self.flush()
        self._client.close()

    def _write(self) -> None:
        while not self._closed.wait(EVERY_SECONDS):
            self.flush()


def _decode(counters: Any) -> dict[Key, int]:
    return {tuple(msgspec.json.decode(key, type=list[str])): int(n) for key, n in counters.items()}
