"""Which repositories are trained, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from bot.core.corrections import Correction, Verdict
from bot.core.training import TrainingState
from bot.core.types import IssueRef, Job
from bot.flow import schedule_training
from bot.flow.schedule_training import BETWEEN_SECONDS, SEND_AGAIN_SECONDS, TrainingSchedule
from tests.fakes import DAY, NOW, REF
from tests.memory_store import MemoryStore

REPOSITORY = replace(REF, number=0)
OTHER = replace(REPOSITORY, repo="acme/other", repo_id=7002)
TRAINED = TrainingState(NOW - 99 * DAY, NOW - DAY, NOW - DAY, NOW - DAY, 300, 250, status="trained")
SKIPPED = replace(TRAINED, status="skipped", why="no labelled issues")
FAILED = replace(TRAINED, status="skipped", why="GitHub failed (status 502)")


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


class Case:
    def __init__(self, *repositories: IssueRef) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.store.reconcile_state.save_repositories(repositories)
        self.sent: list[Job] = []

    def run(self) -> list[IssueRef]:
        """Run once in a new worker; return the repositories that it sent."""
        store, before = self.store, len(self.sent)
        schedule = TrainingSchedule(
            store.reconcile_state, store.training, store.corrections, ("github",), self.clock
        )
        report = schedule.run_once(self.sent.append)
        sent = [job.ref for job in self.sent[before:]]
        assert [*report.values()] == [str(ref) for ref in sent]
        return sent

    def save(self, state: TrainingState, model: bytes = b"a model") -> None:
        self.store.training.save_training_state(REF.repo_key, state)
        if model:
            self.store.training.save_model(REF.repo_key, model)


def test_a_repository_is_trained_soon_after_its_first_delivery() -> None:
    case = Case()
    assert case.run() == []
    case.store.reconcile_state.save_repositories([REPOSITORY])
    case.clock.now += 31
    assert case.run() == [REPOSITORY]
    (job,) = case.sent
    assert (job.kind, job.ref.number, job.received_at) == ("train", 0, case.clock.now)


def test_a_job_is_not_sent_again_while_it_may_wait_for_a_rate_limit() -> None:
    case = Case(REPOSITORY)
    assert case.run() == [REPOSITORY]
    case.clock.now += SEND_AGAIN_SECONDS - 1
    assert case.run() == []
    case.clock.now += 1 + schedule_training.SEARCH_SECONDS
    assert case.run() == [REPOSITORY]


def test_a_repository_is_sent_again_after_its_training_ended() -> None:
    case = Case(REPOSITORY)
    case.save(replace(TRAINED, sent_at=NOW - 60, ended_at=NOW - 30))
    corrections = [Correction(n, "bug", "removed", NOW - 20 + n / 100) for n in range(20)]
    case.store.corrections.add(REF.repo_key, corrections)
    assert case.run() == [REPOSITORY]


def test_trainings_of_several_repositories_start_one_after_the_other() -> None:
    case = Case(REPOSITORY, OTHER)
    assert len(case.run()) == 1
    case.clock.now += BETWEEN_SECONDS - 1
    assert case.run() == []
    case.clock.now += 1 + schedule_training.SEARCH_SECONDS
    assert len(case.run()) == 1
    assert {job.ref.repo_id for job in case.sent} == {7001, 7002}


def test_a_repository_of_a_forge_without_access_is_not_trained() -> None:
    assert Case(replace(REPOSITORY, forge="gitlab")).run() == []


@pytest.mark.parametrize(
    ("state", "model", "is_due"),
    [
        (TRAINED, b"a model", False),
        (replace(TRAINED, ended_at=NOW - 7 * DAY), b"a model", True),
        (replace(TRAINED, sent_at=NOW, ended_at=NOW + 9), b"a model", False),  # by another clock
        (replace(TRAINED, ended_at=NOW + 99 * DAY), b"a model", True),  # by a clock that was wrong
        (TrainingState(NOW, sent_at=NOW + 99 * DAY, status="queued"), b"", True),
        (TrainingState(NOW, retry_at=NOW + 99 * DAY, status="waiting"), b"", True),
        (TrainingState(NOW, retry_at=NOW + 60, status="waiting"), b"", False),
        (TrainingState(NOW, retry_at=NOW - 60, status="waiting"), b"", False),
        (TrainingState(NOW, retry_at=NOW - SEND_AGAIN_SECONDS, status="waiting"), b"", True),
        (TRAINED, b"", True),  # lost, expired, or not readable
        (replace(TRAINED, status="due"), b"a model", True),  # asked for
        (replace(SKIPPED, ended_at=NOW - 3600), b"", False),
        (replace(SKIPPED, ended_at=NOW - DAY), b"", True),
        (replace(FAILED, ended_at=NOW - 1_799, failures=1), b"", False),
        (replace(FAILED, ended_at=NOW - 1_800, failures=1), b"", True),
        (replace(FAILED, ended_at=NOW - 1_800, failures=2), b"", False),
        (replace(FAILED, ended_at=NOW - 7_200, failures=2), b"", True),
        (replace(FAILED, ended_at=NOW - DAY + 1, failures=999), b"", False),
        (replace(FAILED, ended_at=NOW - DAY, failures=999), b"", True),
    ],
)
def test_a_training_is_due_by_its_age_and_its_end(
    state: TrainingState, model: bytes, is_due: bool
) -> None:
    case = Case(REPOSITORY)
    case.save(state, model)
    assert case.run() == [REPOSITORY] * is_due


@pytest.mark.parametrize(
    ("verdict", "count", "at", "is_due"),
    [
        ("removed", 20, NOW - 60, True),
        ("added", 20, NOW - 60, True),
        ("added", 19, NOW - 60, False),
        ("removed", 20, NOW - 2 * DAY, False),
        ("kept", 30, NOW - 60, False),
    ],
)
def test_a_training_is_due_after_twenty_corrections(
    verdict: Verdict, count: int, at: float, is_due: bool
) -> None:
    case = Case(REPOSITORY)
    case.save(TRAINED)
    corrections = [Correction(n, "bug", verdict, at + n / 100) for n in range(count)]
    case.store.corrections.add(REF.repo_key, corrections)
    assert case.run() == [REPOSITORY] * is_due


def test_of_very_many_repositories_each_is_looked_at_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule_training, "REPOSITORIES_PER_SEARCH", 2)
    monkeypatch.setattr(schedule_training, "BETWEEN_SECONDS", 1.0)
    repositories = [replace(REPOSITORY, repo=f"acme/r{n}", repo_id=n + 1) for n in range(7)]
    case = Case(*repositories)
    for _ in range(20):
        case.run()
        case.clock.now += schedule_training.SEARCH_SECONDS
    assert {job.ref for job in case.sent} == {*repositories}


def test_after_a_loss_of_redis_a_repository_is_trained_again() -> None:
    case = Case(REPOSITORY)
    case.save(TRAINED)
    assert case.run() == []
    case.store = MemoryStore(case.clock)
    case.store.reconcile_state.save_repositories([REPOSITORY])
    assert case.run() == [REPOSITORY]
