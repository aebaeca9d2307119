"""Reconciliation finds lost deliveries and issues, and gives up on those that always fail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bot.core.errors import Forbidden, NotCovered, NotFound, PermanentError, Retry, TaglineError
from bot.core.types import IssueRef, Job, Record
from bot.flow.reconcile import LOOK_BACK_SECONDS, MIN_AGE_SECONDS, Reconciliation
from bot.store.no_store import NoRateLimiter
from tests.fakes import NOW, REF
from tests.memory_store import MemoryStore

REPOSITORY = replace(REF, number=0)
OTHER_REPOSITORY = replace(REPOSITORY, repo="acme/other", repo_id=7002)


@dataclass
class FakeDeliveryHistory:
    """Issues by the time of their opening; `error` is raised for `OTHER_REPOSITORY`."""

    opened: dict[IssueRef, float] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    redelivered: list[int] = field(default_factory=list)
    error: TaglineError | None = None
    accounts_without_access: set[str] = field(default_factory=set)

    def list_opened_issues(
        self, repository: IssueRef, since: float, until: float
    ) -> tuple[IssueRef, ...]:
        if self.error and repository == OTHER_REPOSITORY:
            raise self.error
        if repository.account in self.accounts_without_access:
            raise NotCovered("out of reach")
        return tuple(
            ref
            for ref, at in self.opened.items()
            if ref.repo_id == repository.repo_id and since <= at <= until
        )

    def list_failed_deliveries(self, since: float) -> dict[int, str]:
        return self.failed

    def redeliver(self, delivery: int) -> None:
        self.redelivered.append(delivery)


class ReservedRateLimiter(NoRateLimiter):
    """`reserved` are reservations in the future, `paused` accounts that the forge limited."""

    def __init__(self) -> None:
        self.reserved: set[str] = set()
        self.paused: set[str] = set()

    def is_reserved(self, account: str, reservation: str) -> bool:
        return reservation in self.reserved

    def pause_left(self, account: str) -> float:
        return 60.0 if account in self.paused else 0.0


class ReconcileCase:
    def __init__(self, *repositories: IssueRef) -> None:
        self.store = MemoryStore(lambda: NOW)
        self.state, self.forge = self.store.reconcile_state, FakeDeliveryHistory()
        self.state.save_repositories(repositories)
        self.sent: list[Job] = []
        self.rate_limiter = ReservedRateLimiter()
        self.reconciliation = self.new_reconciliation()

    def new_reconciliation(self) -> Reconciliation:
        return Reconciliation(
            self.state,
            self.store.record,
            self.rate_limiter,
            lambda name: self.forge,
            ("github",),
            lambda: NOW,
        )

    def run(self) -> dict[str, object]:
        """Run once, as if the lease of the run before had expired."""
        self.state._leased_until.clear()
        self.sent.clear()
        return dict(self.reconciliation.run_once(self.sent.append))

    def save_record(self, ref: IssueRef, record: Record) -> None:
        with self.store.lock(ref.key) as lock:
            lock.finish(record)

    @property
    def numbers(self) -> list[int]:
        return [delivery.ref.number for delivery in self.sent]


def issue(number: int) -> IssueRef:
    return replace(REF, number=number)


def lost_issue() -> ReconcileCase:
    """Return a case with an issue that has no record."""
    case = ReconcileCase(REPOSITORY)
    case.forge.opened = {issue(1): NOW - 3600}
    return case


def test_a_young_issue_without_a_record_is_enqueued() -> None:
    case = ReconcileCase(REPOSITORY)
    case.forge.opened = {
        issue(1): NOW - 3600,
        issue(2): NOW - 3600,
        issue(3): NOW - LOOK_BACK_SECONDS - 1,
        issue(4): NOW - MIN_AGE_SECONDS + 5,
    }
    case.save_record(issue(2), Record("skipped"))
    assert case.run() == {"issues": 1, "deliveries": 0, "problems": []}
    (delivery,) = case.sent
    assert (delivery.kind, delivery.ref, delivery.received_at) == ("opened", issue(1), NOW)


def test_an_issue_that_always_fails_is_enqueued_ever_less_often() -> None:
    case = lost_issue()
    runs = []
    for run in range(1, 289):  # a day
        case.run()
        runs += [run] * len(case.sent)
    assert runs == [1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_a_worker_that_crashes_while_it_sends_delays_one_issue() -> None:
    case = ReconcileCase(REPOSITORY)
    case.forge.opened = {issue(n): NOW - 3600 for n in (1, 2, 3)}

    def crash(_delivery: Job) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        case.reconciliation.run_once(crash)
    case.run()
    assert case.numbers == [1, 2, 3]
    case.run()
    assert case.numbers == [2, 3]  # their second attempt; the third attempt at issue 1 is left out


def test_an_issue_whose_job_is_rate_limited_gets_no_second_job() -> None:
    case = lost_issue()
    case.rate_limiter.reserved = {issue(1).key}
    case.run()
    assert case.numbers == []
    case.rate_limiter.reserved.clear()  # its job was lost
    case.run()
    assert case.numbers == [1]


def test_an_account_that_its_forge_limited_is_left_out() -> None:
    case = lost_issue()
    case.rate_limiter.paused = {REPOSITORY.account_key}
    case.run()
    assert case.numbers == []


def test_two_workers_reconcile_once() -> None:
    case = lost_issue()
    case.run()
    assert case.reconciliation.run_once(case.sent.append) == {}


def test_failed_deliveries_are_redelivered_three_times() -> None:
    case = ReconcileCase()
    case.forge.failed = {11: "guid-1", 12: "guid-2"}
    assert case.run()["deliveries"] == 2
    for _ in range(6):
        case.run()
    assert case.forge.redelivered == [11, 12] * 3


def test_repositories_survive_a_redis_that_lost_its_data() -> None:
    case = ReconcileCase(REPOSITORY)
    case.run()
    for repository in case.state.repositories():
        case.state.forget_repository(repository)
    case.forge.opened = {issue(1): NOW - 3600}
    case.run()
    assert case.numbers == [1]
    assert case.state.repositories() == (REPOSITORY,)


def test_an_inaccessible_repository_is_forgotten_and_the_others_are_reconciled() -> None:
    case = ReconcileCase(OTHER_REPOSITORY, REPOSITORY)
    case.forge.opened = {issue(1): NOW - 3600}
    case.forge.error = NotFound("not found")
    case.run()
    assert case.numbers == [1]
    assert case.state.repositories() == (REPOSITORY,)


@pytest.mark.parametrize("kind", [Forbidden, NotCovered])
def test_a_repository_to_which_access_is_refused_is_reported_and_kept(
    kind: type[PermanentError],
) -> None:
    """An IP allow list may be changed; the issues of the meantime are found then."""
    case = ReconcileCase(OTHER_REPOSITORY, REPOSITORY)
    case.forge.error = kind("your IP address is not permitted", refused=True)
    assert case.run()["problems"] == ["your IP address is not permitted"]
    assert set(case.state.repositories()) == {OTHER_REPOSITORY, REPOSITORY}


def test_a_repository_that_one_worker_forgot_is_not_restored_by_another() -> None:
    case = ReconcileCase(OTHER_REPOSITORY, REPOSITORY)
    other = case.new_reconciliation()
    other.run_once(case.sent.append)
    case.forge.error = NotFound("not found")
    case.run()
    other.run_once(case.sent.append)
    assert case.state.repositories() == (REPOSITORY,)


def test_a_repository_that_cannot_be_read_now_is_reported_and_kept() -> None:
    case = ReconcileCase(OTHER_REPOSITORY, REPOSITORY)
    case.forge.error = Retry("GitHub failed (status 502)")
    assert case.run()["problems"] == ["GitHub failed (status 502)"]
    assert set(case.state.repositories()) == {REPOSITORY, OTHER_REPOSITORY}


def test_a_forge_without_access_is_left_out() -> None:
    case = ReconcileCase(replace(REPOSITORY, forge="gitlab"))
    case.forge.opened = {issue(1): NOW - 3600}
    assert case.run() == {}


def test_many_repositories_are_read_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.flow.reconcile.REPOSITORIES_PER_RUN", 2)
    case = ReconcileCase(*(replace(REPOSITORY, repo_id=number) for number in range(1, 6)))
    case.forge.opened = {replace(REF, repo_id=number): NOW - 3600 for number in range(1, 6)}
    repositories = set()
    for _ in range(3):
        case.run()
        repositories |= {delivery.ref.repo_id for delivery in case.sent}
    assert repositories == {1, 2, 3, 4, 5}


def test_a_run_without_repositories_does_not_delay_the_next() -> None:
    case = ReconcileCase()
    case.run()
    case.state.save_repositories([REPOSITORY])
    case.forge.opened = {issue(1): NOW - 3600}
    assert case.reconciliation.run_once(case.sent.append)["issues"] == 1


def test_an_issue_whose_job_ended_while_writing_is_enqueued() -> None:
    case = lost_issue()
    case.save_record(issue(1), Record("writing", labels=("bug",)))
    case.run()
    assert case.numbers == [1]


def test_a_repository_with_a_wrong_account_is_forgotten_and_the_right_one_stays() -> None:
    wrong = replace(REPOSITORY, account="666")
    case = ReconcileCase(REPOSITORY, wrong)
    case.forge.opened = {issue(1): NOW - 3600}
    case.forge.accounts_without_access = {"666"}
    case.run()
    assert case.numbers == [1]
    assert case.state.repositories() == (REPOSITORY,)
