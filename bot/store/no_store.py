"""A store for commands without Redis: it stores nothing between jobs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from bot.core import ports
from bot.core.correction_port import CorrectionStore
from bot.core.corrections import Correction
from bot.core.enrichment import CachedAnswer
from bot.core.journal import Write
from bot.core.pricing import Limits
from bot.core.related import RelatedVerdict
from bot.core.related_port import RelatedVerdicts, SearchBudget
from bot.core.suggestion_port import LookSchedule
from bot.core.training import TrainingProgress, TrainingState
from bot.core.training_ports import TrainingStore
from bot.core.types import IssueRef, Rate, Record
from bot.store.process_budget import ProcessSearchBudget


class ReadableStore(ports.Store, Protocol):
    """What `ReadOnlyStore` reads."""

    @property
    def training(self) -> TrainingStore: ...

    @property
    def corrections(self) -> CorrectionStore: ...


class NoStore:
    """Implements `Store`, and `BreakerStore` for one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.budgets: ports.BudgetStore = ProcessBudgets()
        self.rate_limiter = NoRateLimiter()
        self.search_budget: SearchBudget = ProcessSearchBudget(clock)
        self.retry_schedule: ports.RetrySchedule = NoRetrySchedule()
        self.looks: LookSchedule = NoLookSchedule()
        self.training: TrainingStore = NoTrainingStore()
        self.journal: ports.Journal = NoJournal()
        self.corrections: CorrectionStore = NoCorrections()
        self.related_verdicts: RelatedVerdicts = NoRelatedVerdicts()
        self._failures: dict[str, tuple[int, float]] = {}
        self._next_probe: dict[str, float] = {}
        self._successes: Counter[str] = Counter()

    @contextmanager
    def lock(self, key: str) -> Iterator[ports.Lock]:
        yield NoLock()

    def record(self, key: str) -> Record | None:
        return None

    def records(self, keys: Sequence[str]) -> list[Record | None]:
        return [self.record(key) for key in keys]

    def cached_answers(self, repo_key: str, keys: Sequence[str]) -> tuple[CachedAnswer, ...]:
        return ()

    def save_cached_answer(self, repo_key: str, keys: Sequence[str], cached: CachedAnswer) -> None:
        pass

    def last_config(self, repo_key: str) -> str | None:
        return None

    def save_config(self, repo_key: str, text: str) -> None:
        pass

    def reported_problems(self, repo_key: str) -> str:
        return ""

    def save_reported_problems(self, repo_key: str, problems: str) -> None:
        pass

    def may_call(self, provider: str) -> bool:
        now = self._clock()
        if self._next_probe.get(provider, now) > now:
            return False
        if provider in self._next_probe:
            self._next_probe[provider] = now + ports.PROBE_SECONDS
        return True

    def call_failed(self, provider: str, *, at_once: bool) -> bool:
        now = self._clock()
        count, until = self._failures.get(provider, (0, now))
        count = count + 1 if until > now else 1
        self._failures[provider] = count, now + ports.FAILURE_WINDOW_SECONDS
        if not at_once and count < ports.FAILURES_TO_OPEN:
            return False
        was_closed = provider not in self._next_probe
        self._next_probe[provider] = now + ports.PROBE_SECONDS
        return was_closed

    def call_succeeded(self, provider: str) -> None:
        self._failures.pop(provider, None)
        self._next_probe.pop(provider, None)
        self._successes[provider] += 1

    def is_open(self, provider: str) -> bool:
        return provider in self._next_probe

    def answers(self, provider: str) -> int:
        return self._successes[provider]


class ReadOnlyStore(NoStore):
    """Implements `Store` for a run that changes nothing: reads what another store knows."""

    def __init__(self, known: ReadableStore) -> None:
        super().__init__()
        self._known = known
        self.training = known.training
        self.corrections = known.corrections

    @contextmanager
    def lock(self, key: str) -> Iterator[ports.Lock]:
        lock = NoLock()
        lock.record = self.record(key)
        yield lock

    def record(self, key: str) -> Record | None:
        return self._known.record(key)

    def last_config(self, repo_key: str) -> str | None:
        return self._known.last_config(repo_key)


class NoLock:
    """Implements `Lock` where no other worker runs."""

    record: Record | None = None

    def save(self, record: Record, writes: Sequence[Write] = ()) -> bool:
        return True

    def finish(self, record: Record, writes: Sequence[Write] = ()) -> None:
        pass


class ProcessBudgets:
    """Implements `BudgetStore` for the calls of one process, all in one repository."""

    def __init__(self) -> None:
        self._usd = 0.0
        self._lock = threading.Lock()

    def reserve(self, repository: str, author: str, text: str, usd: float, limits: Limits) -> str:
        with self._lock:
            total = self._usd + usd
            if limits.day_usd is not None and total > limits.day_usd:
                return "day"
            if total > limits.repository_usd:
                return "repository"
            if author and limits.author_per_hour < 1:
                return "author"
            self._usd = total
        return ""

    def settle(self, repository: str, usd: float) -> None:
        with self._lock:
            self._usd += usd


class NoRateLimiter:
    """Implements `RateLimiter` for single issues, which stay below every limit."""

    def reserve(self, account: str, issue: str, rate: Rate) -> float:
        return 0.0

    def is_reserved(self, account: str, issue: str) -> bool:
        return False

    def pause(self, account: str, seconds: float) -> None:
        pass

    def pause_left(self, account: str) -> float:
        return 0.0


class NoLookSchedule:
    """Implements `LookSchedule` for a process that ends before any look is due."""

    def schedule(self, ref: IssueRef, due: float) -> None:
        pass

    def remove(self, ref: IssueRef) -> None:
        pass

    def take_due(self, now: float) -> IssueRef | None:
        return None


class NoRetrySchedule(NoLookSchedule):
    """Implements `RetrySchedule` for a process that ends before any retry is due."""

    def suspend(self, ref: IssueRef, now: float) -> None:
        pass

    def take_probe(self, now: float) -> IssueRef | None:
        return None

    def resume(self, now: float, *, include_scheduled: bool = False) -> None:
        pass


class NoTrainingStore:
    """Implements `TrainingStore` for a process that learns nothing."""

    def training_state(self, repo_key: str) -> TrainingState | None:
        return None

    def save_training_state(self, repo_key: str, state: TrainingState) -> None:
        pass

    def model_version(self, repo_key: str) -> str:
        return ""

    def model(self, repo_key: str) -> bytes | None:
        return None

    def save_model(self, repo_key: str, model: bytes) -> None:
        pass

    def delete_model(self, repo_key: str) -> None:
        pass

    def progress(self, repo_key: str) -> tuple[TrainingProgress, tuple[bytes, ...]]:
        return TrainingProgress(), ()

    def save_progress(self, repo_key: str, progress: TrainingProgress, page: bytes) -> None:
        pass

    def delete_progress(self, repo_key: str) -> None:
        pass


class NoJournal:
    """Implements `Journal` for a command whose writes are not looked up later."""

    def append(self, issue: str, writes: Sequence[Write]) -> None:
        pass

    def list_writes(self, issue: str) -> tuple[Write, ...]:
        return ()

    def list_repository(self, repo_key: str) -> Iterator[tuple[int, tuple[Write, ...]]]:
        return iter(())


class NoCorrections:
    """Implements `CorrectionStore` for a command that sees no label change."""

    def add(self, repo_key: str, corrections: Collection[Correction]) -> None:
        pass

    def list(self, repo_key: str) -> tuple[Correction, ...]:
        return ()

    def is_limit_reported(self, repo_key: str, period: str) -> bool:
        return False

    def report_limit(self, repo_key: str, period: str) -> bool:
        return True


class NoRelatedVerdicts:
    """Implements `RelatedVerdicts` for a command that sees no issue closed."""

    def add(self, repo_key: str, verdicts: Collection[RelatedVerdict]) -> None:
        pass

    def list(self, repo_key: str) -> tuple[RelatedVerdict, ...]:
        return ()
