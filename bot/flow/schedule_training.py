"""Find the repositories whose classifier has to be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.core.ports import CorrectionStore, ReconcileState, TrainingStore
from bot.core.training import TrainingState
from bot.core.types import IssueRef, Job, make_job_id

DAY = 86_400.0
TRAIN_AGAIN_SECONDS, TRY_AGAIN_SECONDS = 7 * DAY, DAY
# After a training that ended because the forge did not answer: four times as long after each.
FAILED_SECONDS = 1_800.0
CORRECTIONS_TO_TRAIN = 20
SEARCH_SECONDS = 30.0
REPOSITORIES_PER_SEARCH = 300
# Between two trainings of all workers: one may send 80 requests, and GitHub allows an installation
# 5,000 an hour.
BETWEEN_SECONDS = 120.0
SEND_AGAIN_SECONDS = 3_600.0  # after a job of which no end is known


@dataclass(frozen=True, slots=True)
class TrainingSchedule:
    """Sends the jobs that are due. `clock` returns seconds since the epoch."""

    state: ReconcileState
    store: TrainingStore
    corrections: CorrectionStore
    forges: tuple[str, ...]
    clock: Callable[[], float]

    def run_once(self, send: Callable[[Job], object]) -> Mapping[str, object]:
        """Send the job of one repository, unless a worker has just done so; return what to log."""
        now = self.clock()
        if not self.state.lease("train-search", SEARCH_SECONDS):
            return {}
        for repository in self._list_repositories(now):
            key = repository.repo_key
            state = self.store.training_state(key) or TrainingState(since=now)
            if _is_under_way(state, now):
                continue
            if not is_due(key, state, self.store, self.corrections, now):
                continue
            if not self.state.lease("train", BETWEEN_SECONDS):
                return {}
            self.store.save_training_state(key, replace(state, status="queued", sent_at=now))
            send(Job(make_job_id("train", repository), "train", repository, now))
            return {"repository": str(repository)}
        return {}

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
    verdicts = [x.verdict for x in corrections.list(repo_key) if x.at > state.ended_at]
    return verdicts.count("removed") + verdicts.count("added") >= CORRECTIONS_TO_TRAIN


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
