"""What fell back on rules is asked for again: after 1, 2 and 3 minutes, then one issue a minute
while the model is silent, until it answers or a day has passed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from bot.core.ports import ProviderHealth, RetrySchedule
from bot.core.types import IssueRef, Job, Record, Wait
from bot.flow.plan import Outcome

PAUSES = (60.0, 120.0, 180.0)
SLOWEST_SECONDS = 540.0
PUT_OFF_SECONDS = 3600.0
LONGEST_SECONDS = 24 * 3600.0
AT_ONCE = 50
WRITTEN = ("answered", "fallback", "quiet", "suggested")


@dataclass(slots=True)
class FallbackRetries:
    """`clock` gives seconds since the epoch. The first round finds everybody due."""

    retry_schedule: RetrySchedule
    provider_health: ProviderHealth
    clock: Callable[[], float]
    _answers: int = -1

    def expired(self, delivery: Job, record: Record) -> bool:
        """Whether a healing job comes too late, or for an issue that no longer waits."""
        if delivery.kind != "heal":
            return False
        if record.wait and self.clock() - record.wait.since <= LONGEST_SECONDS:
            return False
        self.retry_schedule.remove(delivery.ref)
        return True

    def schedule_after(self, outcome: Outcome) -> Wait | None:
        """Whether an issue waits from now on, and for how long already.

        A job that wrote nothing ends no wait unless it was to heal: its delivery asked for nothing.
        """
        ref, record, found = outcome.job.ref, outcome.record, outcome.enrichment
        wrote = found is not None and record.status in WRITTEN
        if not wrote and outcome.job.kind != "heal":
            return record.wait
        fault = found.fault if found and wrote else ""
        if not fault:
            if record.wait:
                self.retry_schedule.remove(ref)
            return None
        now, answers = self.clock(), self.provider_health.answers()
        wait = record.wait or Wait(now, 0, answers)
        if wait.tries < len(PAUSES):
            self.retry_schedule.schedule(ref, now + PAUSES[wait.tries])
        elif fault == "answer" and answers > wait.answers:
            self.retry_schedule.remove(
                ref
            )  # others are answered: it is this issue, and stays as it is
            return None
        elif answers > wait.answers:  # a provider that fails on this issue alone
            self.retry_schedule.schedule(ref, now + min(PAUSES[-1] * wait.tries, SLOWEST_SECONDS))
        else:
            self.retry_schedule.suspend(ref, now)
        return replace(wait, tries=wait.tries + 1, answers=answers)

    def postpone(self, delivery: Job, seconds: float = 0.0) -> None:
        """Only the operator can mend what this job met, or it has to wait for so long: another one
        is sent an hour later."""
        if delivery.kind == "heal":
            self.retry_schedule.schedule(delivery.ref, self.clock() + seconds + PUT_OFF_SECONDS)

    def run_once(self, send: Callable[[Job], object]) -> Mapping[str, object]:
        """Send those that are due, one a minute while no model may be asked. For the log."""
        now, answers = self.clock(), self.provider_health.answers()
        if answers != self._answers:
            self.retry_schedule.resume(now, everybody=self._answers < 0)
            self._answers = answers
        sent = 0
        for ref in self._due(now):
            send(Job(_job_id(ref), "heal", ref, now))
            sent += 1
        return {"issues": sent} if sent else {}

    def _due(self, now: float) -> Iterator[IssueRef]:
        """Each is taken just before it is sent: a worker that dies meanwhile delays one of them."""
        taken, most = 0, 0 if self.provider_health.down() else AT_ONCE
        while taken < most and (ref := self.retry_schedule.take_due(now)):
            taken += 1
            yield ref
        if not taken and (probe := self.retry_schedule.take_probe(now)):
            yield probe


def _job_id(ref: IssueRef) -> str:
    return f"heal-{hashlib.sha256(ref.key.encode()).hexdigest()[:24]}"
