"""Call a model again for issues with labels from rules.

The first retries come after 1, 2 and 3 minutes. While the model fails, one issue a minute is then
sent as a probe, until the model answers or a day has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.job_ids import make_job_id
from bot.core.jobs import WRITE_STATUSES
from bot.core.ports import BreakerStore, RetrySchedule
from bot.core.types import IssueRef, Job, Record, Wait
from bot.flow.plan import Outcome

PAUSES = (60.0, 120.0, 180.0)
MAX_PAUSE_SECONDS = 540.0
POSTPONE_SECONDS = 3600.0
MAX_WAIT_SECONDS = 24 * 3600.0
MAX_PER_RUN = 50


@dataclass(slots=True)
class FallbackRetries:
    """`clock` returns seconds since the epoch. In the first run every waiting issue is due.

    `providers` are called for every issue, `optional` ones only where a repository chooses them.
    """

    retry_schedule: RetrySchedule
    breakers: BreakerStore
    providers: Sequence[str]
    clock: Callable[[], float]
    optional: Sequence[str] = ()
    _answers: int = -1

    def expired(self, job: Job, record: Record) -> bool:
        """Return whether a retry is too late, or its issue no longer waits for a model."""
        if job.kind != "heal":
            return False
        if record.wait and self.clock() - record.wait.since <= MAX_WAIT_SECONDS:
            return False
        self.retry_schedule.remove(job.ref)
        return True

    def schedule_after(self, outcome: Outcome) -> Wait | None:
        """Schedule the next retry after a job, and return what to record of the wait, if any.

        A job that wrote nothing does not end a wait unless it was a retry.
        """
        ref, record, enrichment = outcome.job.ref, outcome.record, outcome.enrichment
        has_written = enrichment is not None and record.status in WRITE_STATUSES
        if not has_written and outcome.job.kind != "heal":
            return record.wait
        fault = enrichment.fault if enrichment and has_written else ""
        if not fault:
            if record.wait:
                self.retry_schedule.remove(ref)
            return None
        now, answers = self.clock(), self._count_answers()
        wait = record.wait or Wait(now, 0, answers)
        if wait.tries < len(PAUSES):
            self.retry_schedule.schedule(ref, now + PAUSES[wait.tries])
        elif fault == "answer" and answers > wait.answers:
            # The model answers for other issues: this one keeps its labels from rules.
            self.retry_schedule.remove(ref)
            return None
        elif answers > wait.answers:  # the provider fails for this issue alone
            self.retry_schedule.schedule(ref, now + min(PAUSES[-1] * wait.tries, MAX_PAUSE_SECONDS))
        else:
            self.retry_schedule.suspend(ref, now)
        return replace(wait, tries=wait.tries + 1, answers=answers)

    def cancel(self, ref: IssueRef) -> None:
        """End the wait of an issue."""
        self.retry_schedule.remove(ref)

    def reschedule(self, job: Job, seconds: float = 0.0) -> None:
        """Schedule a retry that could not run again, an hour after its wait in `seconds`.

        Does nothing for jobs of other kinds: the queue tries these again.
        """
        if job.kind == "heal":
            self.retry_schedule.schedule(job.ref, self.clock() + seconds + POSTPONE_SECONDS)

    def run_once(self, send: Callable[[Job], object]) -> Mapping[str, object]:
        """Send the retries that are due, one a minute while no model may be called.

        Returns what to log.
        """
        now, answers = self.clock(), self._count_answers()
        if answers != self._answers:
            self.retry_schedule.resume(now, include_scheduled=self._answers < 0)
            self._answers = answers
        sent = 0
        for ref in self._take_due(now):
            send(Job(make_job_id("heal", ref), "heal", ref, now))
            sent += 1
        return {"issues": sent} if sent else {}

    def _take_due(self, now: float) -> Iterator[IssueRef]:
        """Yield due issues one by one, so that a worker that ends early delays only one of them."""
        down = all(map(self.breakers.is_open, self.providers))
        count, limit = 0, 0 if down else MAX_PER_RUN
        while count < limit and (ref := self.retry_schedule.take_due(now)):
            count += 1
            yield ref
        if not count and (probe := self.retry_schedule.take_probe(now)):
            yield probe

    def _count_answers(self) -> int:
        return sum(map(self.breakers.answers, (*self.providers, *self.optional)))
