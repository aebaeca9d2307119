"""The store of one process, for the command line and the tests. Same contract as in Redis."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.core.errors import LockContended
from bot.core.jobs import JobRecord
from bot.core.ports import BUSY_SECONDS, FAILURE_WINDOW_SECONDS, FAILURES_TO_OPEN, PROBE_SECONDS
from bot.core.types import CachedAnswer, Record
from bot.store.budgets import MemoryBudgets
from bot.store.rate_limiter import MemoryRateLimiter
from bot.store.retry_schedule import MemoryRetrySchedule


class _Held:
    """An issue in our hands; implements the `Lock` port."""

    def __init__(self, store: MemoryStore, issue: str) -> None:
        self._store, self._issue = store, issue
        self.record = store.record(issue)

    def save(self, record: Record) -> bool:
        self._store.save(self._issue, record)
        return True

    def finish(self, record: Record) -> None:
        self._store.save(self._issue, record)


class MemoryStore:
    """Implements the `Store`, `Breaker` and `Jobs` ports; forgets everything with the process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.budgets = MemoryBudgets(clock)
        self.rate_limiter = MemoryRateLimiter()
        self.retry_schedule = MemoryRetrySchedule()
        self._locks: set[str] = set()
        self._records: dict[str, Record] = {}
        self._twins: dict[tuple[str, str], CachedAnswer] = {}
        self._configs: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._jobs: dict[str, JobRecord] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        self._next_probe: dict[str, float] = {}
        self._answers: Counter[str] = Counter()

    @contextmanager
    def lock(self, key: str) -> Iterator[_Held]:
        if key in self._locks:
            raise LockContended("another worker has this issue", BUSY_SECONDS)
        self._locks.add(key)
        try:
            yield _Held(self, key)
        finally:
            self._locks.discard(key)

    def record(self, key: str) -> Record | None:
        return self._records.get(key)

    def save(self, key: str, record: Record) -> None:
        self._records[key] = record

    def cached_answer(self, repo_key: str, question: str) -> CachedAnswer | None:
        return self._twins.get((repo_key, question))

    def save_cached_answer(self, repo_key: str, question: str, cached: CachedAnswer) -> None:
        self._twins[repo_key, question] = cached

    def last_config(self, repo_key: str) -> str | None:
        return self._configs.get(repo_key)

    def save_config(self, repo_key: str, text: str) -> None:
        self._configs[repo_key] = text

    def reported_problems(self, repo_key: str) -> str:
        return self._told.get(repo_key, "")

    def save_reported_problems(self, repo_key: str, problems: str) -> None:
        self._told[repo_key] = problems

    def may_call(self, provider: str) -> bool:
        now = self._clock()
        if self._next_probe.get(provider, now) > now:
            return False
        if provider in self._next_probe:
            self._next_probe[provider] = now + PROBE_SECONDS
        return True

    def call_failed(self, provider: str, *, at_once: bool) -> bool:
        now = self._clock()
        count, until = self._failures.get(provider, (0, now))
        count = count + 1 if until > now else 1
        self._failures[provider] = count, now + FAILURE_WINDOW_SECONDS
        if not at_once and count < FAILURES_TO_OPEN:
            return False
        was_closed = provider not in self._next_probe
        self._next_probe[provider] = now + PROBE_SECONDS
        return was_closed

    def call_succeeded(self, provider: str) -> None:
        self._failures.pop(provider, None)
        self._next_probe.pop(provider, None)
        self._answers[provider] += 1

    def is_open(self, provider: str) -> bool:
        return provider in self._next_probe

    def answers(self, provider: str) -> int:
        return self._answers[provider]

    def save_job(self, job: JobRecord) -> None:
        self._jobs[job.id] = job

    def start_job(self, job: JobRecord) -> JobRecord | None:
        before = self.job(job.id)
        self._jobs[job.id] = job
        return before

    def job(self, job_id: str) -> JobRecord | None:
        return self._jobs.get(job_id)
