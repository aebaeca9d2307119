"""Counters of all processes in one Redis hash; each process adds its counts every few seconds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import redis

from bot import log
from bot.core import redis_keys
from bot.core.metric_definitions import Key, MetricsSnapshot

EVERY_SECONDS = 5.0


class RedisMetrics:
    """Implements `Metrics`. A process that is killed loses the counts of its last seconds.

    `providers` are those whose circuit breakers are reported.
    """

    def __init__(self, client: redis.Redis, providers: Sequence[str] = ()) -> None:
        self._client = client
        self._providers = providers
        self._lock = threading.Lock()
        self._pending: Counter[Key] = Counter()
        self._closed = threading.Event()
        self._writer: threading.Thread | None = None

    def count(self, what: str, *labels: str) -> None:
        with self._lock:
            self._pending[what, *labels] += 1
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="metrics", daemon=True)
                self._writer.start()

    def snapshot(self) -> MetricsSnapshot:
        """Return all counters and gauges. Raises `ConnectionError` if Redis does not answer."""
        self.flush()
        try:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.hgetall(redis_keys.COUNTERS)
                pipe.llen(redis_keys.QUEUE)
                pipe.llen(redis_keys.DELAYED)
                pipe.zcard(redis_keys.DEAD)
                for provider in self._providers:
                    pipe.exists(redis_keys.BREAKER_OPEN.format(provider=provider))
                counters, *gauges = pipe.execute()
        except redis.RedisError as error:
            raise ConnectionError(type(error).__name__) from None
        names = [("queue_jobs", state) for state in ("waiting", "later", "dead")]
        names += [("breaker_open", provider) for provider in self._providers]
        return MetricsSnapshot(_decode(counters), dict(zip(names, gauges, strict=True)))

    def flush(self) -> None:
        """Add the pending counts in Redis; keep them for the next time if it does not answer."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
        if not pending:
            return
        try:
            with self._client.pipeline() as pipe:
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
