"""Counters of all processes in one hash of Redis; each writes down what it counted now and then."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import redis

from bot import log
from bot.core.jobs import JobRecord
from bot.core.metric_definitions import Key, MetricsSnapshot
from bot.core.ports import JobRecords

EVERY_SECONDS = 5.0
ENDS = {"waiting": "tried-again-later", "dead": "gave-up"}


class RedisMetrics:
    """Implements `Books`. A process that is killed loses the counts of its last seconds.

    `queue` is the name of the queue's list in Redis, `breakers` the providers to tell of.
    """

    def __init__(
        self, client: redis.Redis, name: str, queue: str, breakers: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._name = name
        self._queue = f"{name}:{queue}"
        self._breakers = breakers
        self._lock = threading.Lock()
        self._pending: Counter[Key] = Counter()
        self._closed = threading.Event()
        self._writer: threading.Thread | None = None

    def count(self, what: str, *labels: str) -> None:
        with self._lock:
            self._pending[what, *labels] += 1
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_on, name="books", daemon=True)
                self._writer.start()

    def snapshot(self) -> MetricsSnapshot:
        """Raises `ConnectionError` where Redis does not answer."""
        self.flush()
        try:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.hgetall(f"{self._name}:counters")
                pipe.llen(self._queue)
                pipe.llen(f"{self._queue}.DQ")
                pipe.zcard(f"{self._queue}.XQ")
                for provider in self._breakers:
                    pipe.exists(f"{self._name}:breaker:{provider}:open")
                counters, *measures = pipe.execute()
        except redis.RedisError as error:
            raise ConnectionError(type(error).__name__) from None
        states = [("queue_jobs", state) for state in ("waiting", "later", "dead")]
        states += [("breaker_open", provider) for provider in self._breakers]
        return MetricsSnapshot(_decoded(counters), dict(zip(states, measures, strict=True)))

    def flush(self) -> None:
        """Write down what was counted; kept for the next time where Redis does not answer."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
        if not pending:
            return
        try:
            with self._client.pipeline() as pipe:
                for key, number in pending.items():
                    pipe.hincrby(
                        f"{self._name}:counters", msgspec.json.encode(key).decode(), number
                    )
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

    def _write_on(self) -> None:
        while not self._closed.wait(EVERY_SECONDS):
            self.flush()


class CountingJobRecords:
    """Implements `JobRecords` over another one, and counts how tries of jobs end."""

    def __init__(self, jobs: JobRecords, metrics: RedisMetrics) -> None:
        self._jobs = jobs
        self._metrics = metrics

    def save_job(self, job: JobRecord) -> None:
        outcome = job.outcome if job.state == "done" else ENDS.get(job.state, "")
        if outcome:
            self._metrics.count("jobs", job.issue.partition(":")[0], outcome)
        self._jobs.save_job(job)

    def start_job(self, job: JobRecord) -> JobRecord | None:
        return self._jobs.start_job(job)

    def job(self, job_id: str) -> JobRecord | None:
        return self._jobs.job(job_id)


def _decoded(counters: Any) -> dict[Key, int]:
    return {tuple(msgspec.json.decode(key, type=list[str])): int(n) for key, n in counters.items()}
