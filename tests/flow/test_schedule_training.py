"""Which repositories are trained, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.core.corrections import Correction, Verdict
from bot.core.training import TrainingState, TrainingStatus
from bot.core.types import IssueRef, Job
from bot.flow import schedule_training
from bot.flow.schedule_training import (
    REST_SECONDS,
    SEARCH_SECONDS,
    SEND_AGAIN_SECONDS,
    SLOT_SECONDS,
    TrainingSchedule,
)
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

    @property
    def schedule(self) -> TrainingSchedule:
        """Return the schedule of a new worker."""
        store = self.store
        return TrainingSchedule(
            store.reconcile_state, store.training, store.corrections, ("github",), self.clock
        )

    def run(self) -> list[IssueRef]:
        """Run once in a new worker; return the repositories that it sent."""
        before = len(self.sent)
        report = self.schedule.run_once(self.sent.append)
        sent = [job.ref for job in self.sent[before:]]
        assert [*report.values()] == [str(ref) for ref in sent]
        return sent

    def end(self, status: TrainingStatus = "skipped", seconds: float = 0.0, **more: Any) -> None:
        """End the training that was sent last, after some seconds; the next one may be sent."""
        self.clock.now += seconds
        key, training = self.sent[-1].ref.repo_key, self.store.training
        state = training.training_state(key)
        assert state is not None
        if status != "waiting":
            more["ended_at"] = self.clock.now
        training.save_training_state(key, replace(state, status=status, **more))
        if status == "trained":
            training.save_model(key, b"a model")
        self.schedule.continue_after(self.sent.append)

    @property
    def trained(self) -> list[int]:
        """Return the repositories whose trainings were sent, by their numbers."""
        return [job.ref.repo_id for job in self.sent]

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
    case.clock.now += 1 + SEARCH_SECONDS
    assert case.run() == [REPOSITORY]


def test_a_repository_is_sent_again_after_its_training_ended() -> None:
    case = Case(REPOSITORY)
    case.save(replace(TRAINED, sent_at=NOW - 60, ended_at=NOW - 30))
    corrections = [Correction(n, "bug", "removed", NOW - 20 + n / 100) for n in range(20)]
    case.store.corrections.add(REF.repo_key, corrections)
    assert case.run() == [REPOSITORY]


def make_repositories(count: int) -> list[IssueRef]:
    return [replace(REPOSITORY, repo=f"acme/r{n}", repo_id=n) for n in range(1, count + 1)]


def test_one_training_runs_at_a_time_and_the_next_one_follows_it() -> None:
    case = Case(REPOSITORY, OTHER)
    assert case.run() == [REPOSITORY]
    case.clock.now += SEARCH_SECONDS + 1
    assert case.run() == []
    case.end("trained")
    assert case.trained == [7001, 7002]


def test_a_training_of_which_nothing_is_known_does_not_stop_the_others() -> None:
    case = Case(REPOSITORY, OTHER)
    assert case.run() == [REPOSITORY]
    case.clock.now += SLOT_SECONDS - 1
    assert case.run() == []
    case.clock.now += 1 + SEARCH_SECONDS
    assert case.run() == [OTHER]


def test_skipped_trainings_of_many_repositories_take_no_time() -> None:
    case = Case(*make_repositories(200))
    case.run()
    while len(case.sent) < 200:
        case.end("skipped", 0.2)
    assert case.clock.now - NOW == pytest.approx(200 * 0.2, abs=1)
    assert sorted(case.trained) == [*range(1, 201)]


def test_a_burst_of_new_repositories_takes_as_long_as_its_trainings() -> None:
    case = Case(*make_repositories(60))
    case.run()
    for _ in range(60):
        case.end("trained", 30.0)
    assert sorted(case.trained) == [*range(1, 61)]
    assert case.clock.now - NOW == 60 * 30


def test_a_new_repository_is_trained_before_those_that_were_skipped_or_trained() -> None:
    case = Case(*make_repositories(3))
    for number, state in ((1, SKIPPED), (2, replace(TRAINED, ended_at=NOW - 8 * DAY))):
        case.store.training.save_training_state(f"github:github.com:{number}", state)
    case.run()
    case.end("trained")
    case.end("trained")
    assert case.trained == [3, 2, 1]


def test_a_training_that_waits_for_a_rate_limit_holds_back_those_of_its_account() -> None:
    others = replace(OTHER, account="5002"), replace(OTHER, repo_id=7003)
    case = Case(REPOSITORY, *others)
    assert case.run() == [REPOSITORY]
    case.end("waiting", retry_at=NOW + 900)
    assert case.trained == [7001, 7002]
    case.end("trained")
    assert case.trained == [7001, 7002]
    case.clock.now += 900 + SEARCH_SECONDS
    assert case.run() == [others[1]]


def test_a_repository_that_is_due_again_at_once_is_no_loop() -> None:
    case = Case(REPOSITORY)
    case.run()
    case.end("due")  # as if its model could not be read
    assert case.trained == [7001]
    case.clock.now += REST_SECONDS
    assert case.run() == [REPOSITORY]


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
        ("approved", 20, NOW - 60, True),
        ("dismissed", 30, NOW - 60, False),
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
    repositories = make_repositories(7)
    case = Case(*repositories)
    ended = 0
    for _ in range(20):
        case.run()
        while ended < len(case.sent):
            case.end("trained")
            ended += 1
        case.clock.now += SEARCH_SECONDS
    assert {job.ref for job in case.sent} == {*repositories}


def test_after_a_loss_of_redis_a_repository_is_trained_again() -> None:
    case = Case(REPOSITORY)
    case.save(TRAINED)
    assert case.run() == []
    case.store = MemoryStore(case.clock)
    case.store.reconcile_state.save_repositories([REPOSITORY])
    assert case.run() == [REPOSITORY]
