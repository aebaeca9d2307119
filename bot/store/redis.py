"""The store in Redis: what is remembered of issues, repositories, providers and jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
import redis
from cachetools import TTLCache

from bot.core.jobs import JobRecord
from bot.core.ports import FAILURE_WINDOW_SECONDS, FAILURES_TO_OPEN, PROBE_SECONDS
from bot.core.types import CachedAnswer, Record
from bot.store.bucketed_hash import BucketedHash
from bot.store.budgets import RedisBudgets
from bot.store.locks import HeldLock, Locks
from bot.store.rate_limiter import RedisRateLimiter
from bot.store.reconcile_state import RedisReconcileState
from bot.store.retry_schedule import RedisRetrySchedule

DAY, HOUR = 86_400, 3_600
KEPT_CONFIGS = 1_000  # whose text this process need not send to Redis again
# Made at import, by one thread: msgspec prepares a type when it is first used, and crashes where
# several threads do so at once.
_record, _twin = msgspec.json.Decoder(Record), msgspec.json.Decoder(CachedAnswer)
_job = msgspec.json.Decoder(JobRecord)


class RedisStore:
    """Implements the `Store`, `Breaker` and `Jobs` ports. `clock` gives seconds since the epoch."""

    def __init__(
        self, client: redis.Redis, namespace: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._name = namespace
        self.budgets = RedisBudgets(client, namespace, clock)
        self.rate_limiter = RedisRateLimiter(client, namespace, clock)
        self.retry_schedule = RedisRetrySchedule(client, namespace)
        self.reconcile_state = RedisReconcileState(client, namespace, self, clock)
        self._clock = clock
        self._records = BucketedHash(client, f"{namespace}:done", 6 * DAY, 6)
        self._configs = BucketedHash(client, f"{namespace}:configs", 90 * DAY, 3)
        self._told = BucketedHash(client, f"{namespace}:told", 90 * DAY, 3)
        self._twins = BucketedHash(client, f"{namespace}:twins", DAY, 8)
        self._jobs = BucketedHash(client, f"{namespace}:jobs", DAY, 8)
        self._locks = Locks(client, f"{namespace}:lock", self._records, clock)
        self._kept: TTLCache[str, str] = TTLCache(KEPT_CONFIGS, HOUR, clock)
        self._guard = threading.Lock()

    def lock(self, key: str) -> AbstractContextManager[HeldLock]:
        """Hold the lock of an issue. Raises `Busy`."""
        return self._locks.hold(key)

    def record(self, key: str) -> Record | None:
        found = self._records.get(key, self._clock())
        return _record.decode(found) if found else None

    def cached_answer(self, repo_key: str, question: str) -> CachedAnswer | None:
        found = self._twins.get(f"{repo_key}:{question}", self._clock())
        return _twin.decode(found) if found else None

    def save_cached_answer(self, repo_key: str, question: str, cached: CachedAnswer) -> None:
        """Keep it for a week."""
        value = msgspec.json.encode(cached)
        self._twins.put(f"{repo_key}:{question}", value, self._clock())

    def last_config(self, repo_key: str) -> str | None:
        found = self._configs.get(repo_key, self._clock())
        return None if found is None else found.decode()

    def save_config(self, repo_key: str, text: str) -> None:
        """Keep a file for half a year, or as long as it is kept anew."""
        with self._guard:
            known = self._kept.get(repo_key) == text
            self._kept[repo_key] = text
        if not known:
            self._configs.put(repo_key, text.encode("utf-8", "replace"), self._clock())

    def reported_problems(self, repo_key: str) -> str:
        return (self._told.get(repo_key, self._clock()) or b"").decode()

    def save_reported_problems(self, repo_key: str, problems: str) -> None:
        self._told.put(repo_key, problems.encode(), self._clock())

    def may_call(self, provider: str) -> bool:
        if not self._client.exists(self._breaker(provider, "open")):
            return True
        probe = self._breaker(provider, "probe")
        return bool(self._client.set(probe, 1, nx=True, ex=PROBE_SECONDS))

    def call_failed(self, provider: str, *, at_once: bool) -> bool:
        failures = self._breaker(provider, "failures")
        with self._client.pipeline() as pipe:
            pipe.incr(failures)
            pipe.expire(failures, FAILURE_WINDOW_SECONDS)
            count = pipe.execute()[0]
        if not at_once and count < FAILURES_TO_OPEN:
            return False
        self._client.set(self._breaker(provider, "probe"), 1, ex=PROBE_SECONDS)
        return bool(self._client.set(self._breaker(provider, "open"), 1, nx=True, ex=DAY))

    def call_succeeded(self, provider: str) -> None:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.delete(*(self._breaker(provider, x) for x in ("open", "failures", "probe")))
            pipe.incr(self._breaker(provider, "answers"))
            pipe.execute()

    def is_open(self, provider: str) -> bool:
        return bool(self._client.exists(self._breaker(provider, "open")))

    def answers(self, provider: str) -> int:
        return int(self._client.get(self._breaker(provider, "answers")) or 0)

    def _breaker(self, provider: str, part: str) -> str:
        return f"{self._name}:breaker:{provider}:{part}"

    def save_job(self, job: JobRecord) -> None:
        """Remember what became of a job, for a week."""
        self._jobs.put(job.id, msgspec.json.encode(job), self._clock())

    def start_job(self, job: JobRecord) -> JobRecord | None:
        found = self._jobs.swap(job.id, msgspec.json.encode(job), self._clock())
        return _job.decode(found) if found else None

    def job(self, job_id: str) -> JobRecord | None:
        found = self._jobs.get(job_id, self._clock())
        return _job.decode(found) if found else None
