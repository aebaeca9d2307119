"""Find the repositories whose classifier has to be trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from bot.core.correction_port import CorrectionStore
from bot.core.job_ids import make_job_id
from bot.core.ports import ReconcileState
from bot.core.training import TrainingState
from bot.core.training_ports import TrainingStore
from bot.core.types import IssueRef, Job

DAY = 86_400.0
TRAIN_AGAIN_SECONDS, TRY_AGAIN_SECONDS = 7 * DAY, DAY
# After a training that ended because the forge did not answer: four times as long after each.
FAILED_SECONDS = 1_800.0
CORRECTIONS_TO_TRAIN = 20
CHANGES = ("removed", "added", "approved")  # after which an issue has other labels
SEARCH_SECONDS = 30.0
REPOSITORIES_PER_SEARCH = 300
# One training at a time, of all workers. The next one is sent when it ends or waits; after this
# time also where nothing is known of it.
SLOT, SLOT_SECONDS = "train", 600.0
SEND_AGAIN_SECONDS = 3_600.0  # after a job of which no end is known
# A repository that is due again so soon after its training waits for the next search, so that no
# mistake becomes a loop.
REST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class TrainingSchedule:
    """Sends the jobs that are due, one after the other. `clock` returns seconds since the epoch.

    A training reads its history within the forge's rate limit, so that nothing has to pass between
    two of them.
    """

    state: ReconcileState
    store: TrainingStore
    corrections: CorrectionStore
    forges: tuple[str, ...]
    clock: Callable[[], float]

    def run_once(self, send: Callable[[Job], object]) -> Mapping[str, object]:
        """Send the next job, unless a worker has just searched for one; return what to log."""
        if not self.state.lease("train-search", SEARCH_SECONDS):
            return {}
        return self._send_next(send)

    def continue_after(self, send: Callable[[Job], object]) -> None:
        """Send the next job after a training that ended or waits."""
        self.state.release(SLOT)
        self._send_next(send, REST_SECONDS)

    def _send_next(self, send: Callable[[Job], object], rest: float = 0.0) -> Mapping[str, object]:
        if not self.state.lease(SLOT, SLOT_SECONDS):
            return {}
        now = self.clock()
        for repository, state in self._list_waiting_longest(now):
            is_rested = abs(now - state.ended_at) >= rest
            if is_rested and is_due(repository.repo_key, state, self.store, self.corrections, now):
                sent = replace(state, status="queued", sent_at=now)
                self.store.save_training_state(repository.repo_key, sent)
                send(Job(make_job_id("train", repository), "train", repository, now))
                return {"repository": str(repository)}
        self.state.release(SLOT)
        return {}

    def _list_waiting_longest(self, now: float) -> Iterator[tuple[IssueRef, TrainingState]]:
        """Yield repositories that may be trained: those that never were, then by the last time."""
        known = [
            (one, self.store.training_state(one.repo_key) or TrainingState(since=now))
            for one in self._list_repositories(now)
        ]
        # A forge's rate limit, or its failure, holds for all repositories of an account.
        waiting = {one.account_key for one, state in known if _is_waiting(state, now)}
        for repository, state in sorted(known, key=lambda pair: pair[1].ended_at):
            if repository.account_key not in waiting and not _is_under_way(state, now):
                yield repository, state

    def _list_repositories(self, now: float) -> list[IssueRef]:
        """Return the repositories to look at now: of very many, others each time."""
        found = {x.repo_key: x for x in self.state.repositories() if x.forge in self.forges}
        listed = list(found.values())
        start = int(now / SEARCH_SECONDS) * REPOSITORIES_PER_SEARCH % max(1, len(listed))
        return [*listed[start:], *listed[:start]][:REPOSITORIES_PER_SEARCH]


def is_due(
    repo_key: str,
    state: TrainingState,
    store: TrainingStore,
    corrections: CorrectionStore,
    now: float,
) -> bool:
    """Return whether a repository has to be trained.

    It never was, or its training is not over; the pause after the last one has passed; its
    classifier is gone; or people have corrected 20 labels since.
    """
    if state.status not in ("trained", "skipped"):
        return True
    # A time far ahead is of a clock that was wrong.
    if abs(now - state.ended_at) >= find_pause(state):
        return True
    if state.status == "skipped":
        return False
    if not store.model_version(repo_key):
        return True
    latest = [x.verdict for x in corrections.list(repo_key) if x.at > state.ended_at]
    return sum(verdict in CHANGES for verdict in latest) >= CORRECTIONS_TO_TRAIN


def find_pause(state: TrainingState) -> float:
    """Return the seconds from the end of a training to the next one."""
    if state.status == "trained":
        return TRAIN_AGAIN_SECONDS
    if not state.failures:
        return TRY_AGAIN_SECONDS
    return min(FAILED_SECONDS * 4.0 ** min(state.failures - 1, 9), TRY_AGAIN_SECONDS)


def _is_waiting(state: TrainingState, now: float) -> bool:
    return state.status == "waiting" and now < state.retry_at < now + DAY


def _is_under_way(state: TrainingState, now: float) -> bool:
    """Return whether the job of a training that is not over may still come."""
    if state.status not in ("queued", "waiting"):
        return False
    expected = state.retry_at if state.status == "waiting" else state.sent_at
    return _is_waiting(state, now) or abs(now - expected) < SEND_AGAIN_SECONDS
