"""Repositories are forgotten when access to them has ended for good, and only then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pytest

from bot.core.errors import (
    Forbidden,
    Moved,
    NotCovered,
    NotFound,
    OperatorError,
    Retry,
    TaglineError,
)
from bot.core.types import IssueRef, Job
from bot.flow.forget import GRACE_SECONDS, Departures
from tests.fakes import NOW, REF
from tests.flow.test_reconcile import FakeDeliveryHistory
from tests.memory_store import MemoryReconcileState

REPOSITORY = replace(REF, number=0)
OTHER_REPOSITORY = replace(REPOSITORY, repo="acme/other", repo_id=7002)


@dataclass
class FakeRepositoryData:
    """Implements `RepositoryData`; `forgotten` are the repositories that were removed."""

    noted: dict[IssueRef, float] = field(default_factory=dict)
    forgotten: list[IssueRef] = field(default_factory=list)

    def departures(self) -> Mapping[IssueRef, float]:
        return {**self.noted}

    def save_departure(self, repository: IssueRef, at: float) -> None:
        self.noted.setdefault(repository, at)

    def remove_departure(self, repository: IssueRef) -> None:
        self.noted.pop(repository, None)

    def forget(
        self, repositories: Collection[IssueRef], *, dry_run: bool = False
    ) -> Mapping[str, int]:
        self.forgotten += repositories
        return {}

    def has_forgotten(self) -> bool:
        return bool(self.forgotten)


class DepartureCase:
    """`OTHER_REPOSITORY` is out of reach for the reason `error`."""

    def __init__(self, error: TaglineError | None = None) -> None:
        self.now = NOW
        self.state = MemoryReconcileState(lambda: self.now)
        self.data, self.forge = FakeRepositoryData(), FakeDeliveryHistory(error=error)
        self.departures = Departures(
            self.state, self.data, lambda _: self.forge, ("github",), lambda: self.now
        )

    def run_after(self, seconds: float) -> Mapping[str, object]:
        self.now += seconds
        return self.departures.run_once()

    def end_access(self, *known: IssueRef) -> str:
        """Run the job of an account that has removed repositories; return what came of it."""
        self.state.save_repositories(known)
        ref = replace(REPOSITORY, repo="", repo_id=0)
        return self.departures.forget_account(Job("d-1", "forget", ref, self.now)).record.why


def test_a_repository_is_forgotten_once_it_was_out_of_reach_for_the_grace_period() -> None:
    case = DepartureCase(NotCovered("out of reach", may_be_lag=True))
    case.departures.note(OTHER_REPOSITORY)
    assert case.run_after(GRACE_SECONDS - 600) == {}
    case.departures.note(OTHER_REPOSITORY)
    assert case.run_after(600) == {"repositories": 1, "problems": []}
    assert case.data.forgotten == [OTHER_REPOSITORY]
    assert case.run_after(600) == {}


def test_one_that_is_back_within_the_grace_period_is_searched_again() -> None:
    case = DepartureCase()
    case.departures.note(OTHER_REPOSITORY)
    assert case.run_after(GRACE_SECONDS) == {}
    assert (case.data.forgotten, case.data.noted) == ([], {})
    assert case.state.repositories() == (OTHER_REPOSITORY,)


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("an IP allow list", refused=True),
        NotCovered("suspended", refused=True),
        Moved("it has another address"),
    ],
)
def test_what_an_owner_can_undo_is_no_end_of_access(error: TaglineError) -> None:
    case = DepartureCase(error)
    assert case.end_access(OTHER_REPOSITORY) == "0 of 1 repositories"
    assert case.data.forgotten == []


@pytest.mark.parametrize("error", [Retry("status 502"), OperatorError("a wrong key")])
def test_while_the_forge_does_not_answer_nothing_is_forgotten(error: TaglineError) -> None:
    case = DepartureCase(error)
    case.departures.note(OTHER_REPOSITORY)
    assert case.run_after(GRACE_SECONDS) == {"repositories": 0, "problems": [str(error)]}
    case.forge.error = NotFound("gone")
    assert case.run_after(600) == {"repositories": 1, "problems": []}


def test_without_credentials_of_a_forge_none_of_its_repositories_is_forgotten() -> None:
    case = DepartureCase(NotFound("gone"))
    case.departures = replace(case.departures, forges=("gitlab",))
    case.departures.note(OTHER_REPOSITORY)
    assert case.run_after(GRACE_SECONDS) == {}
    assert case.data.noted


def test_an_account_s_repositories_that_are_out_of_reach_are_forgotten_and_no_others() -> None:
    case = DepartureCase(NotCovered("out of reach"))
    elsewhere = replace(OTHER_REPOSITORY, account="9", repo_id=7003)
    assert case.end_access(REPOSITORY, OTHER_REPOSITORY, elsewhere) == "1 of 2 repositories"
    assert case.data.forgotten == [OTHER_REPOSITORY]
    assert {*case.state.repositories()} == {REPOSITORY, elsewhere}


def test_a_repository_that_another_account_still_has_keeps_its_data() -> None:
    case = DepartureCase(NotCovered("out of reach"))
    again = replace(OTHER_REPOSITORY, account="9")
    assert case.end_access(OTHER_REPOSITORY, again) == "0 of 1 repositories"
    assert (case.data.forgotten, case.state.repositories()) == ([], (again,))


def test_many_repositories_are_forgotten_in_parts_so_that_a_retry_goes_on() -> None:
    case = DepartureCase()
    case.forge.accounts_without_access = {REPOSITORY.account}
    many = [replace(REPOSITORY, repo=f"acme/{n}", repo_id=9000 + n) for n in range(120)]
    assert case.end_access(*many) == "120 of 120 repositories"
    assert case.state.repositories() == ()
