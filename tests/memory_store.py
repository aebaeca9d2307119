"""The ports of the store in memory, with the same contracts as in Redis."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Generic, TypeVar

from bot.core.corrections import Correction
from bot.core.enrichment import CachedAnswer
from bot.core.errors import LockContended
from bot.core.jobs import JobRecord
from bot.core.journal import Write, merge_states
from bot.core.polling import Cursor, Snapshot
from bot.core.ports import PROBE_SECONDS
from bot.core.pricing import Limits, to_microdollars
from bot.core.related import RelatedVerdict
from bot.core.run_port import MAX_RUNS
from bot.core.suggestion_port import LOOK_AGAIN_SECONDS
from bot.core.training import TrainingProgress, TrainingState
from bot.core.types import IssueRef, Record
from bot.store.budgets import DAY, HOUR
from bot.store.corrections import MAX_CORRECTIONS, MAX_RELATED_VERDICTS
from bot.store.journal import SPAN_SECONDS, SPANS
from bot.store.locks import BUSY_SECONDS
from bot.store.no_store import NoStore
from bot.store.retry_schedule import LEASE_SECONDS, RESUME_SECONDS
from bot.store.training import PROGRESS_DAYS, compute_version

V = TypeVar("V", Correction, RelatedVerdict)


class MemoryLock:
    """The lock of an issue; implements `Lock`."""

    def __init__(self, store: MemoryStore, issue: str) -> None:
        self._store, self._issue = store, issue
        self.record = store.record(issue)

    def save(self, record: Record, writes: Sequence[Write] = ()) -> bool:
        self.finish(record, writes)
        return True

    def finish(self, record: Record, writes: Sequence[Write] = ()) -> None:
        self._store.save(self._issue, record)
        self._store.journal.append(self._issue, writes)


class MemoryStore(NoStore):
    """Implements `Store`, `BreakerStore`, `JobRecords` and `RunHistory`; its parts implement the
    other ports."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.budgets = MemoryBudgets(clock)
        self.retry_schedule = MemoryRetrySchedule()
        self.looks = MemoryLookSchedule()
        self.reconcile_state = MemoryReconcileState(clock)
        self.poll_state = MemoryPollState()
        self.training = MemoryTrainingStore(clock)
        self.journal = MemoryJournal(clock)
        self.corrections = MemoryCorrections(MAX_CORRECTIONS)
        self.related_verdicts = MemoryNewest[RelatedVerdict](MAX_RELATED_VERDICTS)
        self._locks: set[str] = set()
        self._records: dict[str, Record] = {}
        self._answers: dict[tuple[str, str], CachedAnswer] = {}
        self._configs: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._jobs: dict[str, JobRecord] = {}

    @contextmanager
    def lock(self, key: str) -> Iterator[MemoryLock]:
        if key in self._locks:
            raise LockContended("another worker holds the lock of this issue", BUSY_SECONDS)
        self._locks.add(key)
        try:
            yield MemoryLock(self, key)
        finally:
            self._locks.discard(key)

    def record(self, key: str) -> Record | None:
        return self._records.get(key)

    def records(self, keys: Sequence[str]) -> list[Record | None]:
        return [self._records.get(key) for key in keys]

    def save(self, key: str, record: Record) -> None:
        self._records[key] = record

    def cached_answers(self, repo_key: str, keys: Sequence[str]) -> tuple[CachedAnswer, ...]:
        found = (self._answers.get((repo_key, key)) for key in keys)
        return tuple(filter(None, found))

    def save_cached_answer(self, repo_key: str, keys: Sequence[str], cached: CachedAnswer) -> None:
        self._answers |= {(repo_key, key): cached for key in keys}

    def last_config(self, repo_key: str) -> str | None:
        return self._configs.get(repo_key)

    def save_config(self, repo_key: str, text: str) -> None:
        self._configs[repo_key] = text

    def reported_problems(self, repo_key: str) -> str:
        return self._problems.get(repo_key, "")

    def save_reported_problems(self, repo_key: str, problems: str) -> None:
        self._problems[repo_key] = problems

    def save_job(self, job: JobRecord) -> None:
        self._jobs[job.id] = job

    def start_job(self, job: JobRecord) -> JobRecord | None:
        before = self.job(job.id)
        self._jobs[job.id] = job
        return before

    def job(self, job_id: str) -> JobRecord | None:
        return self._jobs.get(job_id)

    def list_jobs(
        self, repository: str = "", since: float = 0.0, limit: int = MAX_RUNS
    ) -> tuple[JobRecord, ...]:
        known = [x for x in self._jobs.values() if x.repository and x.state != "queued"]
        found = [x for x in known if repository in ("", x.repository) and x.at >= since]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True)[:limit])

    def list_records(self, repo_key: str) -> Iterator[tuple[int, Record]]:
        for issue, record in self._records.items():
            repository, _, number = issue.rpartition(":")
            if repository == repo_key:
                yield int(number), record


class MemoryBudgets:
    """Implements `BudgetStore` for one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._spent: Counter[tuple[int, str]] = Counter()
        self._issues: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        now, amount = self._clock(), to_microdollars(usd)
        day, hour = int(now // DAY), int(now // HOUR)
        with self._lock:
            if self._spent[day, "all"] + amount > to_microdollars(limits.day_usd):
                return "day"
            if self._spent[day, repository] + amount > to_microdollars(limits.repository_usd):
                return "repository"
            if author and not self._issues[hour, text]:
                if self._issues[hour, author] >= limits.author_per_hour:
                    return "author"
                self._issues[hour, author] += 1
                self._issues[hour, text] += 1
            self._spent[day, "all"] += amount
            self._spent[day, repository] += amount
        return ""

    def settle(self, repository: str, usd: float) -> None:
        day, amount = int(self._clock() // DAY), to_microdollars(usd)
        with self._lock:
            self._spent[day, "all"] += amount
            self._spent[day, repository] += amount


class MemoryRetrySchedule:
    """Implements `RetrySchedule` for one process."""

    def __init__(self) -> None:
        self._waiting: dict[IssueRef, float] = {}
        self._suspended: dict[IssueRef, float] = {}
        self._next_probe = 0.0
        self._lock = threading.Lock()

    def schedule(self, ref: IssueRef, due: float) -> None:
        with self._lock:
            self._waiting[ref] = due

    def suspend(self, ref: IssueRef, now: float) -> None:
        with self._lock:
            self._waiting.pop(ref, None)
            self._suspended[ref] = now

    def remove(self, ref: IssueRef) -> None:
        with self._lock:
            self._waiting.pop(ref, None)
            self._suspended.pop(ref, None)

    def take_due(self, now: float) -> IssueRef | None:
        with self._lock:
            due = [(at, ref.key, ref) for ref, at in self._waiting.items() if at <= now]
            if not due:
                return None
            _, _, one = min(due)
            self._waiting[one] = now + LEASE_SECONDS
        return one

    def take_probe(self, now: float) -> IssueRef | None:
        with self._lock:
            due = {ref: at for ref, at in self._waiting.items() if at <= now}
            ready = self._suspended or due
            if not ready or now < self._next_probe:
                return None
            self._next_probe = now + PROBE_SECONDS
            one = min(ready, key=lambda ref: ready[ref])
            self._suspended.pop(one, None)
            self._waiting[one] = now + LEASE_SECONDS
        return one

    def resume(self, now: float, *, include_scheduled: bool = False) -> None:
        with self._lock:
            self._waiting |= dict.fromkeys(self._suspended, now)
            self._suspended.clear()
            if include_scheduled:
                until = now + RESUME_SECONDS
                self._waiting = {
                    r: min(at, now) if at <= until else at for r, at in self._waiting.items()
                }
                self._next_probe = 0.0


class MemoryLookSchedule:
    """Implements `LookSchedule` for one process."""

    def __init__(self) -> None:
        self.due: dict[IssueRef, float] = {}

    def schedule(self, ref: IssueRef, due: float) -> None:
        self.due[ref] = due

    def remove(self, ref: IssueRef) -> None:
        self.due.pop(ref, None)

    def take_due(self, now: float) -> IssueRef | None:
        due = [(at, ref.key, ref) for ref, at in self.due.items() if at <= now]
        if not due:
            return None
        _, _, one = min(due)
        self.due[one] = now + LOOK_AGAIN_SECONDS
        return one


class MemoryReconcileState:
    """Implements `ReconcileState` for one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._leased_until: dict[str, float] = {}
        self._repositories: dict[str, IssueRef] = {}
        self._attempts: Counter[tuple[int, str]] = Counter()

    def lease(self, name: str, seconds: float) -> bool:
        now = self._clock()
        is_free = self._leased_until.get(name, now) <= now
        if is_free:
            self._leased_until[name] = now + seconds
        return is_free

    def release(self, name: str) -> None:
        self._leased_until.pop(name, None)

    def repositories(self) -> tuple[IssueRef, ...]:
        return tuple(self._repositories.values())

    def save_repositories(self, repositories: Collection[IssueRef]) -> None:
        self._repositories |= {ref.repo_account_key: ref for ref in repositories}

    def forget_repository(self, repository: IssueRef) -> None:
        self._repositories.pop(repository.repo_account_key, None)

    def attempts_today(self, key: str) -> int:
        today = int(self._clock() // DAY), key
        self._attempts[today] += 1
        return self._attempts[today]


class MemoryPollState:
    """Implements `PollState` for one process."""

    def __init__(self) -> None:
        self._cursors: dict[str, Cursor] = {}
        self._snapshots: dict[str, Snapshot] = {}

    def cursor(self, repo_key: str) -> Cursor | None:
        return self._cursors.get(repo_key)

    def save_cursor(self, repo_key: str, cursor: Cursor) -> None:
        self._cursors[repo_key] = cursor

    def snapshot(self, issue: str) -> Snapshot | None:
        return self._snapshots.get(issue)

    def save_snapshot(self, issue: str, snapshot: Snapshot) -> None:
        self._snapshots[issue] = snapshot


class MemoryTrainingStore:
    """Implements `TrainingStore` for one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._states: dict[str, TrainingState] = {}
        self._models: dict[str, bytes] = {}
        self._progress: dict[str, tuple[TrainingProgress, tuple[bytes, ...], float]] = {}

    def training_state(self, repo_key: str) -> TrainingState | None:
        return self._states.get(repo_key)

    def save_training_state(self, repo_key: str, state: TrainingState) -> None:
        self._states[repo_key] = state

    def model_version(self, repo_key: str) -> str:
        model = self._models.get(repo_key)
        return compute_version(model) if model is not None else ""

    def model(self, repo_key: str) -> bytes | None:
        return self._models.get(repo_key)

    def save_model(self, repo_key: str, model: bytes) -> None:
        self._models[repo_key] = model

    def delete_model(self, repo_key: str) -> None:
        self._models.pop(repo_key, None)

    def progress(self, repo_key: str) -> tuple[TrainingProgress, tuple[bytes, ...]]:
        progress, pages, until = self._progress.get(repo_key, (TrainingProgress(), (), 0.0))
        return (progress, pages) if self._clock() < until else (TrainingProgress(), ())

    def save_progress(self, repo_key: str, progress: TrainingProgress, page: bytes) -> None:
        _, pages = self.progress(repo_key)
        until = self._clock() + PROGRESS_DAYS * DAY
        self._progress[repo_key] = progress, (*pages, page) if page else pages, until

    def delete_progress(self, repo_key: str) -> None:
        self._progress.pop(repo_key, None)


class MemoryJournal:
    """Implements `Journal` for one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lines: dict[str, list[Write]] = {}
        self._written: dict[str, float] = {}  # issue → time of its last line

    def append(self, issue: str, writes: Sequence[Write]) -> None:
        now = self._clock()
        self._lines.setdefault(issue, []).extend(replace(one, at=now) for one in writes)
        self._written[issue] = now

    def list_writes(self, issue: str) -> tuple[Write, ...]:
        first_span = self._clock() // SPAN_SECONDS - SPANS + 1
        if self._written.get(issue, 0.0) // SPAN_SECONDS < first_span:
            return ()
        return merge_states(self._lines[issue])

    def list_repository(self, repo_key: str) -> Iterator[tuple[int, tuple[Write, ...]]]:
        for issue in self._lines:
            repository, _, number = issue.rpartition(":")
            if repository == repo_key and (writes := self.list_writes(issue)):
                yield int(number), writes


class MemoryNewest(Generic[V]):
    """Implements `CorrectionStore` and `RelatedVerdicts` for one process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[str, set[V]] = {}

    def add(self, repo_key: str, values: Collection[V]) -> None:
        kept = self._values.setdefault(repo_key, set())
        kept.update(values)
        kept.intersection_update(sorted(kept, key=lambda one: one.at)[-self._most :])

    def list(self, repo_key: str) -> tuple[V, ...]:
        return tuple(sorted(self._values.get(repo_key, ()), key=lambda one: one.at))


class MemoryCorrections(MemoryNewest[Correction]):
    """Implements `CorrectionStore` for one process."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._reported: set[tuple[str, str]] = set()

    def is_limit_reported(self, repo_key: str, period: str) -> bool:
        return (repo_key, period) in self._reported

    def report_limit(self, repo_key: str, period: str) -> bool:
        is_new = (repo_key, period) not in self._reported
        self._reported.add((repo_key, period))
        return is_new
