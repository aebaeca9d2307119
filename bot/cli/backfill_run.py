"""Brings issues of the past to their end states: concurrently, politely, each once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TypeVar

import redis

from bot.cli import bootstrap, terminal
from bot.cli.action_run import is_refused
from bot.cli.backfill_models import BudgetReached, Collected, ModelUnavailable
from bot.cli.backfill_options import BackfillOptions
from bot.cli.backfill_report import BackfillReport
from bot.cli.backfill_state import BackfillState
from bot.core.config.schema import RepoConfig
from bot.core.errors import (
    LockContended,
    OperatorError,
    RateLimited,
    Retry,
    TaglineError,
    Unreachable,
)
from bot.core.job_ids import make_job_id
from bot.core.ports import IssueHistorySource
from bot.core.training import HistoryPage
from bot.core.types import IssueRef, Job
from bot.flow.plan import Outcome
from bot.flow.process import why_skip

Process = Callable[[Job, int], Outcome]
T = TypeVar("T")

TRIES, FIRST_WAIT = 6, 2.0  # seconds: before the second try; each further wait is twice as long
LOCK_TRIES = 60
REFUSALS = 5  # in a row: the forge refuses every issue
LOOK_EVERY = 50  # issues, before a look at how much of the forge's rate limit is left
MIN_PAUSE = 30.0  # seconds; a shorter wait only spaces the requests of a list
SHOW_SECONDS = 0.2


class Stopped(Exception):
    """The run ends before its end, with a sentence and an exit code.

    `cause` is the error behind it, where the sentence has to name a limit or a setting.
    """

    def __init__(self, why: str, code: int, cause: TaglineError | None = None) -> None:
        super().__init__(why)
        self.code, self.cause = code, cause


class GaveUp(Exception):
    """One issue could not be processed; the others may be."""


@dataclass
class BackfillRun:
    """One run of the command.

    `pace` are seconds between the starts of two issues. Without `patient` a rate limit ends it.
    """

    ref: IssueRef
    source: IssueHistorySource
    report: BackfillReport
    state: BackfillState
    options: BackfillOptions
    pace: float
    patient: bool
    given_up: set[int] = field(default_factory=set)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _is_interrupted: bool = False  # by Ctrl-C
    _problem: Exception | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _next_start: float = 0.0
    _held_until: float = 0.0
    _started: int = 0
    _refused: int = 0

    def __post_init__(self) -> None:
        # One for the whole run: each thread has connections of its own.
        self._pool = ThreadPoolExecutor(self.options.threads)

    def close(self) -> None:
        """End the threads, once no issue is processed any more."""
        self._pool.shutdown()

    def list_issues(self, config: RepoConfig) -> list[int]:
        """Return the numbers of the selected issues that are not done, the newest first.

        Raises `Stopped` and the errors of a forge.
        """
        numbers, cursor, read = dict[int, None](), "", 0
        job = Job("backfill", "backfill", self.ref, 0.0)
        limit = self.options.limit or sys.maxsize
        while True:
            page = self._read_page(cursor)
            read, cursor = read + page.read, page.next
            for issue in filter(self.options.select, page.issues):
                why = why_skip(job, issue, config, closed_too=self.options.closed_too)
                number = issue.ref.number
                if why:
                    self.report.left_out[number] = why
                elif len(numbers) < limit:
                    numbers[number] = None
            self.report.show(f"read {read:,} issues")
            is_past = any(issue.created_at < self.options.since for issue in page.issues)
            if not cursor or len(numbers) >= limit or is_past:
                break
        done = self.state.done
        self.report.done_before = len(done & numbers.keys())
        return [number for number in numbers if number not in done]

    def _read_page(self, cursor: str = "") -> HistoryPage:
        try:
            return self._persist(lambda _: self.source.list_past_issues(self.ref, cursor))
        except GaveUp as error:
            if self._stopping.is_set():
                raise
            raise Stopped(f"Not done: {error}.", bootstrap.TRY_AGAIN) from None

    def run_all(self, numbers: Iterable[int], process: Process) -> None:
        """Process issues. Raises `Stopped` and KeyboardInterrupt, once running ones have ended."""
        pending = iter(numbers)
        running = [
            self._pool.submit(self._work, pending, process) for _ in range(self.options.threads)
        ]
        self._wait_for(running)
        self._raise_problem()
        for future in running:
            future.result()

    def _raise_problem(self) -> None:
        """Raise what ended the run, if anything did."""
        if self._problem:
            raise self._problem
        if self._stopping.is_set():
            raise KeyboardInterrupt

    def resume(self) -> None:
        """Let the run go on after a `Stopped`. Raises KeyboardInterrupt after a Ctrl-C."""
        if self._is_interrupted:
            raise KeyboardInterrupt
        self._problem = None
        self._stopping.clear()

    def pause(self, seconds: float) -> None:
        """Wait, while the progress is shown. Raises KeyboardInterrupt."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.report.show_progress()
            time.sleep(min(left, SHOW_SECONDS))

    def _persist(self, work: Callable[[int], T]) -> T:
        """Return the result of the work, tried again while that may help.

        `work` gets the number of the try. Raises `Stopped`, `GaveUp` and permanent errors.
        """
        tries = _Tries()
        while True:
            self._wait_for_limit()
            try:
                return work(tries.failures + 1)
            except RateLimited as error:
                self._note_limit(error)
            except BudgetReached as error:
                raise Stopped(str(error), bootstrap.OVER_BUDGET, error) from None
            except OperatorError as error:
                raise Stopped(*bootstrap.describe_error(error)) from None
            except (Retry, redis.RedisError) as error:
                if self._stopping.wait(tries.find_wait(error)):
                    raise GaveUp("stopped") from None

    def _work(self, pending: Iterator[int], process: Process) -> None:
        """Process one issue after the other until none is left or the run ends."""
        while not self._stopping.is_set():
            with self._guard:
                number = next(pending, None)
            if number is None:
                return
            try:
                self._process(number, process)
            except GaveUp:
                return  # the run ends
            except Exception as error:
                with self._guard:
                    self._problem = self._problem or error
                self._stopping.set()

    def _process(self, number: int, process: Process) -> None:
        ref = replace(self.ref, number=number)
        job = Job(make_job_id("backfill", ref), "backfill", ref, time.time())
        self._wait_for_turn()
        if self._stopping.is_set():
            return
        try:
            outcome = self._persist(lambda try_number: process(job, try_number))
        except Collected:
            return
        except GaveUp as error:
            if not self._stopping.is_set():
                self.given_up.add(number)
                self.report.add_failed(number, str(error))
            return
        refused = is_refused(outcome)
        if not refused:
            self.state.add_done(number)
        self.report.add(outcome, refused=refused)
        self._refused = self._refused + 1 if refused else 0
        if self._refused >= REFUSALS:
            why = next(iter(outcome.refusals), outcome.record.why)
            raise Stopped(f"Not done: issues are refused, {REFUSALS} in a row: {why}.", 1)

    def _wait_for_turn(self) -> None:
        """Wait until another issue may start; now and then look at the forge's rate limit."""
        with self._guard:
            at = max(self._next_start, time.monotonic())
            self._next_start = at + self.pace
            self._started += 1
            looks = self._started % LOOK_EVERY == 0
        if looks:
            page = self._read_page()
            if page.wait >= MIN_PAUSE:
                self._hold(page.wait, "leaves the rest of the rate limit to new issues")
        self._stopping.wait(max(at - time.monotonic(), 0.0))

    def _note_limit(self, error: RateLimited) -> None:
        """Wait as a rate limit asks; one of the account holds for all threads."""
        seconds = error.after or FIRST_WAIT
        if not self.patient:
            raise Stopped(*bootstrap.describe_error(error)) from None
        if error.account_wide:
            self._hold(seconds, str(error))
        else:
            self._stopping.wait(seconds)
        if self._stopping.is_set():
            raise GaveUp("stopped")

    def _hold(self, seconds: float, why: str) -> None:
        with self._guard:
            until = time.monotonic() + seconds
            is_new = until > self._held_until + 1
            self._held_until = max(self._held_until, until)
        if is_new:
            self.report.note(f"Waiting {terminal.format_wait(seconds)}: {why}.")

    def _wait_for_limit(self) -> None:
        while (left := self._held_until - time.monotonic()) > 0:
            if self._stopping.wait(min(left, 1.0)):
                raise GaveUp("stopped")

    def _wait_for(self, running: Sequence[Future[None]]) -> None:
        """Wait for the threads. The first Ctrl-C lets the running issues end."""
        is_over = False
        while not is_over:
            try:
                is_over = not wait(running, SHOW_SECONDS).not_done
                self.report.show_progress()
            except KeyboardInterrupt:
                if self._is_interrupted:
                    bootstrap.exit_at_once()
                self._is_interrupted = True
                self._stopping.set()
                self.report.note("Stopping after the issues that have begun; Ctrl-C again: now.")


@dataclass(slots=True)
class _Tries:
    """Counts the failures of one piece of work; waiting for another worker's lock is none."""

    failures: int = 0
    contended: int = 0

    def find_wait(self, error: Retry | redis.RedisError) -> float:
        """Return the seconds until the next try. Raises `Stopped` and `GaveUp` after the last."""
        asked = (error.after if isinstance(error, Retry) else None) or 0.0
        if isinstance(error, LockContended):
            self.contended += 1
            if self.contended >= LOCK_TRIES:
                raise GaveUp(str(error)) from None
            return asked or FIRST_WAIT
        self.failures += 1
        if self.failures >= TRIES or (isinstance(error, ModelUnavailable) and error.setting):
            raise _end(error) from None
        return max(asked, FIRST_WAIT * 2.0 ** (self.failures - 1))


def _end(error: Exception) -> Stopped | GaveUp:
    """Return what a failure means that did not pass: for the whole run, or for one issue."""
    if isinstance(error, (Unreachable, redis.RedisError)):
        return Stopped(*bootstrap.describe_error(error))
    if isinstance(error, ModelUnavailable):
        return Stopped(str(error), 1 if error.setting else bootstrap.TRY_AGAIN, error)
    return GaveUp(str(error))
