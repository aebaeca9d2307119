"""The ports and settings of a job, and one try of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.core.correction_port import CorrectionStore
from bot.core.errors import PermanentError, RateLimited, Retry
from bot.core.ports import (
    Forge,
    Journal,
    Lock,
    ModelService,
    RateLimiter,
    Store,
)
from bot.core.related_port import RelatedVerdicts, SearchBudget
from bot.core.suggestion_port import LookSchedule
from bot.core.types import IssueRef, Job, Record
from bot.flow.journal_writes import JobJournal
from bot.flow.learned_models import LearnedModels
from bot.flow.retry_fallbacks import FallbackRetries

# A replica of the forge may lag behind: in these tries "not found" is not final yet.
LAG_TRIES, LAG_SECONDS = 2, 5.0


@dataclass(frozen=True, slots=True)
class JobContext:
    """The ports and settings of all jobs of one forge.

    `models` maps names to models: the first one is used unless the repository names another.
    `day_usd` is the limit of all model calls of a day together, None without a limit. Of the
    operator's `mode` and the repository's, the stricter one applies. `clock` returns seconds since
    the epoch. `log` logs an event with fields, which never hold text of an issue.

    Without `keeps_records`, as in a job of continuous integration, the forge's history tells which
    labels people removed, and a new comment is written only if the run `posts`.

    With `labels_only` nothing but labels and types is new on an issue: no comment, no suggestion,
    and nothing is read for them. With `closed_too` closed issues are not skipped. Without
    `searches` no older issues are looked for.
    """

    forge: Forge
    models: Mapping[str, ModelService]
    store: Store
    journal: Journal
    corrections: CorrectionStore
    related_verdicts: RelatedVerdicts
    learned: LearnedModels
    rate_limiter: RateLimiter
    search_budget: SearchBudget
    model_retries: FallbackRetries
    looks: LookSchedule
    day_usd: float | None = None
    mode: str = "apply"
    keeps_records: bool = True
    posts: bool = True
    labels_only: bool = False
    closed_too: bool = False
    searches: bool = True
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time
    log: Callable[..., object] = lambda _event, **_fields: None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to bring a job to its end state, with the issue's lock; `number` counts from 1.

    `refusals` are the forge's reasons for not setting a label.
    """

    job: Job
    context: JobContext
    lock: Lock
    journal: JobJournal
    number: int
    refusals: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, job: Job, context: JobContext, lock: Lock, number: int = 1) -> Attempt:
        """Return a try that has not written anything yet."""
        return cls(job, context, lock, JobJournal(context.journal, job.ref.key, job.id), number)

    @property
    def ref(self) -> IssueRef:
        return self.job.ref

    @property
    def forge(self) -> Forge:
        return self.context.forge

    def save(self, record: Record) -> None:
        """Save the record of an unfinished try, and what is about to be written.

        Raises `Retry` if another worker may hold the lock.
        """
        if not self.lock.save(record, self.journal.take_unsaved()):
            raise Retry("the lock of this issue was lost")

    def may_be_lag(self, error: PermanentError) -> bool:
        """Return whether a forge's "not found" may only mean that a replica lags behind."""
        return error.may_be_lag and self.number <= LAG_TRIES


def retry_on_lag(error: PermanentError, try_number: int, what: str = "issue") -> None:
    """Raise `Retry` where a forge's "not found" may only mean that a replica lags behind."""
    if error.may_be_lag and try_number <= LAG_TRIES:
        raise Retry(f"the {what} is {error}; a replica of the forge may lag", LAG_SECONDS) from None


@contextmanager
def heed_rate_limits(job: Job, context: JobContext) -> Iterator[None]:
    """Pause all requests of the account where the forge requires it.

    Raises `RateLimited` while they are paused.
    """
    account = job.ref.account_key
    if wait := context.rate_limiter.pause_left(account):
        raise RateLimited("the forge asked to wait", wait)
    try:
        yield
    except RateLimited as error:
        if error.account_wide:
            context.rate_limiter.pause(account, error.after or 0)
        raise
