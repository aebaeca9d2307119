"""Look once a day at issues with suggestions that wait for a person.

No webhook reports that one was dismissed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.core.job_ids import make_job_id
from bot.core.ports import ReconcileState
from bot.core.suggestion_port import LookSchedule
from bot.core.types import Job, Record

ROUND_SECONDS = 60.0
# By all workers together. A look takes some five requests; a forge accepts 5,000 an hour.
LOOKS_PER_ROUND = 5


@dataclass(frozen=True, slots=True)
class Looks:
    """Sends a job for each issue that is due. `clock` returns seconds since the epoch.

    The job's end removes the issue where nothing waits any more. One that got lost is sent again a
    day later, as long as `find_record` returns the issue's record.
    """

    schedule: LookSchedule
    find_record: Callable[[str], Record | None]
    state: ReconcileState
    forges: tuple[str, ...]
    clock: Callable[[], float]

    def run_once(self, send: Callable[[Job], object]) -> Mapping[str, object]:
        """Send the next jobs, unless a worker has just done so; return what to log."""
        if not self.state.lease("looks", ROUND_SECONDS):
            return {}
        now, sent = self.clock(), 0
        for _ in range(LOOKS_PER_ROUND):
            ref = self.schedule.take_due(now)
            if ref is None:
                break
            if self.find_record(ref.key) is None:
                self.schedule.remove(ref)
            elif ref.forge in self.forges:
                send(Job(make_job_id("look", ref), "labels", ref, now))
                sent += 1
        return {"issues": sent} if sent else {}
