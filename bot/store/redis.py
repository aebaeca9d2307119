"""The store in Redis: issues, repositories, providers and jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress

import msgspec
import redis
from cachetools import TTLCache

from bot.core import redis_keys
from bot.core.enrichment import CachedAnswer
from bot.core.jobs import JobRecord
from bot.core.ports import FAILURE_WINDOW_SECONDS, FAILURES_TO_OPEN, PROBE_SECONDS
from bot.core.run_port import MAX_RUNS
from bot.core.types import Record
from bot.store.bucketed_hash import BucketedHash
from bot.store.budgets import RedisBudgets
from bot.store.corrections import RedisCorrections, RedisRelatedVerdicts
from bot.store.day_counts import RedisDayCounts
from bot.store.journal import RedisJournal
from bot.store.locks import HeldLock, Locks, record_decoder
from bot.store.look_schedule import RedisLookSchedule
from bot.store.poll_state import RedisPollState
from bot.store.rate_limiter import RedisRateLimiter
from bot.store.reconcile_state import RedisReconcileState
from bot.store.repository_data import RedisRepositoryData
from bot.store.retry_schedule import RedisRetrySchedule
from bot.store.runs import RedisRunIndex
from bot.store.search_budget import RedisSearchBudget
from bot.store.training import RedisTrainingStore

DAY, HOUR = 86_400, 3_600
CONFIGS_IN_MEMORY = 1_000  # recently saved texts, which are not sent to Redis again
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_cached_answer, _job = msgspec.json.Decoder(CachedAnswer), msgspec.json.Decoder(JobRecord)


class RedisStore:
    """Implements `Store`, `BreakerStore`, `JobRecords` and `RunHistory`. `clock` returns seconds
    since the epoch.

    Its parts implement the other ports of the store.
    """

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self.budgets = RedisBudgets(client, clock)
        self.rate_limiter = RedisRateLimiter(client, clock)
        self.search_budget = RedisSearchBudget(client, clock)
        self.retry_schedule = RedisRetrySchedule(client)
        self.looks = RedisLookSchedule(client)
        self.reconcile_state = RedisReconcileState(client, clock)
        self.repository_data = RedisRepositoryData(client)
        self.poll_state = RedisPollState(client, clock)
        self.training = RedisTrainingStore(client, clock)
        self.journal = RedisJournal(client, clock)
        self.corrections = RedisCorrections(client)
        self.related_verdicts = RedisRelatedVerdicts(client)
        self.days = RedisDayCounts(client)
        self._records = BucketedHash(client, redis_keys.RECORDS, 6 * DAY, 6, clock)
        self._configs = BucketedHash(client, redis_keys.CONFIGS, 90 * DAY, 3, clock)
        self._problems = BucketedHash(client, redis_keys.REPORTED_PROBLEMS, 90 * DAY, 3, clock)
        self._answers = BucketedHash(client, redis_keys.CACHED_ANSWERS, DAY, 8, clock)
        self._jobs = BucketedHash(client, redis_keys.JOBS, DAY, 8, clock)
        self._runs = RedisRunIndex(client)
        self._locks = Locks(client, self._records, self.journal)
        self._saved_configs: TTLCache[str, str] = TTLCache(CONFIGS_IN_MEMORY, HOUR, clock)
        self._guard = threading.Lock()

    def lock(self, key: str) -> AbstractContextManager[HeldLock]:
        """Hold the lock of an issue. Raises `LockContended`."""
        return self._locks.hold(key)

    def record(self, key: str) -> Record | None:
        return self.records([key])[0]

    def records(self, keys: Sequence[str]) -> list[Record | None]:
        values = self._records.get_many(keys)
        return [record_decoder.decode(value) if value else None for value in values]

    def cached_answers(self, repo_key: str, keys: Sequence[str]) -> tuple[CachedAnswer, ...]:
        values = self._answers.get_many([f"{repo_key}:{key}" for key in keys])
        return tuple(_cached_answer.decode(value) for value in values if value)

    def save_cached_answer(self, repo_key: str, keys: Sequence[str], cached: CachedAnswer) -> None:
        """Keep an answer for a week."""
        value = msgspec.json.encode(cached)
        self._answers.put_many({f"{repo_key}:{key}": value for key in keys})

    def last_config(self, repo_key: str) -> str | None:
        value = self._configs.get(repo_key)
        return None if value is None else value.decode()

    def save_config(self, repo_key: str, text: str) -> None:
        """Keep a configuration file for half a year after it was last saved."""
        with self._guard:
            if self._saved_configs.get(repo_key) == text:
                return
        self._configs.put(repo_key, text.encode("utf-8", "replace"))
        with self._guard:
            self._saved_configs[repo_key] = text

    def reported_problems(self, repo_key: str) -> str:
        return (self._problems.get(repo_key) or b"").decode()

    def save_reported_problems(self, repo_key: str, problems: str) -> None:
        self._problems.put(repo_key, problems.encode())

    def may_call(self, provider: str) -> bool:
        if not self.is_open(provider):
            return True
        probe = redis_keys.BREAKER_PROBE.format(provider=provider)
        return bool(self._client.set(probe, 1, nx=True, ex=PROBE_SECONDS))

    def call_failed(self, provider: str, *, at_once: bool) -> bool:
        failures = redis_keys.BREAKER_FAILURES.format(provider=provider)
        with self._client.pipeline() as pipe:
            pipe.incr(failures)
            pipe.expire(failures, FAILURE_WINDOW_SECONDS)
            count = pipe.execute()[0]
        if not at_once and count < FAILURES_TO_OPEN:
            return False
        probe = redis_keys.BREAKER_PROBE.format(provider=provider)
        self._client.set(probe, 1, ex=PROBE_SECONDS)
        breaker = redis_keys.BREAKER_OPEN.format(provider=provider)
        return bool(self._client.set(breaker, 1, nx=True, ex=DAY))

    def call_succeeded(self, provider: str) -> None:
        state = redis_keys.BREAKER_OPEN, redis_keys.BREAKER_FAILURES, redis_keys.BREAKER_PROBE
        with self._client.pipeline(transaction=False) as pipe:
            pipe.delete(*(key.format(provider=provider) for key in state))
            pipe.incr(redis_keys.BREAKER_ANSWERS.format(provider=provider))
            pipe.execute()

    def is_open(self, provider: str) -> bool:
        return bool(self._client.exists(redis_keys.BREAKER_OPEN.format(provider=provider)))

    def answers(self, provider: str) -> int:
        return int(self._client.get(redis_keys.BREAKER_ANSWERS.format(provider=provider)) or 0)

    def save_job(self, job: JobRecord) -> None:
        """Keep a job's state for a week."""
        with self._client.pipeline() as pipe:
            self._jobs.add_to(pipe, {job.id: msgspec.json.encode(job)})
            self._runs.add(pipe, job)
            self.days.add(pipe, job)
            pipe.execute()

    def start_job(self, job: JobRecord) -> JobRecord | None:
        before = self._jobs.put(job.id, msgspec.json.encode(job))
        with self._client.pipeline() as pipe:
            self._runs.add(pipe, job)
            pipe.execute()
        return _job.decode(before) if before else None

    def job(self, job_id: str) -> JobRecord | None:
        value = self._jobs.get(job_id)
        return _job.decode(value) if value else None

    def list_jobs(
        self, repository: str = "", since: float = 0.0, limit: int = MAX_RUNS
    ) -> tuple[JobRecord, ...]:
        ids = self._runs.list_ids(repository, since, limit)
        found: list[JobRecord] = []
        for value in self._jobs.get_many(ids) if ids else ():
            with suppress(msgspec.DecodeError):  # the record of another version
                found += [_job.decode(value)] if value else []
        return tuple(found)

    def list_records(self, repo_key: str) -> Iterator[tuple[int, Record]]:
        for issue, value in self._records.scan(repo_key):
            yield int(issue.rpartition(b":")[2]), record_decoder.decode(value)
