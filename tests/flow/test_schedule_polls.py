"""Each repository is polled once in the interval, spread over it and within the rate limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from bot.core.errors import (
    Forbidden,
    NotFound,
    OperatorError,
    RateLimited,
    TaglineError,
    Unreachable,
)
from bot.core.types import IssueRef
from bot.flow.schedule_polls import (
    BURST_SECONDS,
    LIST_SECONDS,
    LOCK,
    NO_ACCESS,
    NO_REPOSITORY,
    PollSchedule,
)
from bot.store.no_store import NoRateLimiter
from tests.flow.poll_case import REPOSITORY, PollCase

SECONDS = 60


class PausedRateLimiter(NoRateLimiter):
    def __init__(self, case: PollCase) -> None:
        self._case = case
        self._until: dict[str, float] = {}

    def pause(self, account: str, seconds: float) -> None:
        self._until[account] = self._case.now + seconds

    def pause_left(self, account: str) -> float:
        return max(self._until.get(account, 0.0) - self._case.now, 0.0)


class ScheduleCase(PollCase):
    """`looks` are the times of the looks at each repository; `errors` by its name."""

    def __init__(self, repositories: int = 1, named: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.source.repositories = [
            replace(REPOSITORY, repo=f"acme/app{n}", repo_id=n) for n in range(1, repositories + 1)
        ]
        self.looks: list[tuple[float, str]] = []
        self.errors: dict[str, TaglineError] = {}
        self.limiter = PausedRateLimiter(self)
        self.named = tuple(replace(REPOSITORY, repo=name, repo_id=0) for name in named)
        self.schedule = self.worker()
        read = self.source.list_changed_issues

        def watch(repository: IssueRef, since: float, **more: str) -> object:
            self.looks.append((self.now, repository.repo))
            if error := self.errors.get(repository.repo):
                raise error
            return read(repository, since, **more)

        self.source.list_changed_issues = watch  # type: ignore[assignment, method-assign]

    def worker(self) -> PollSchedule:
        return PollSchedule(
            SECONDS, self.named, ("github",), self.context, self.store.reconcile_state, self.limiter
        )

    def run(self, seconds: int, *workers: PollSchedule) -> list[dict[str, object]]:
        """Run every second; return the fields of all log events."""
        events = []
        for _ in range(seconds):
            self.now += 1
            self.source.now += 1
            events += [dict(one.run_once()) for one in workers or (self.schedule,)]
        return [event for event in events if event]

    def problems(self, seconds: int) -> list[str]:
        found = [event.get("problems", []) for event in self.run(seconds)]
        return [text for texts in found for text in texts]  # type: ignore[attr-defined]


def test_two_hundred_repositories_are_spread_over_the_interval() -> None:
    case = ScheduleCase(200)
    assert case.run(SECONDS) == [{"repositories": 200}]
    assert len({name for _, name in case.looks}) == 200
    per_second = Counter(at for at, _ in case.looks)
    assert max(per_second.values()) <= 4
    case.looks.clear()
    case.run(10 * SECONDS)
    assert set(Counter(name for _, name in case.looks).values()) <= {9, 10}


def test_of_several_workers_one_looks() -> None:
    case = ScheduleCase(5)
    case.run(5 * SECONDS, case.schedule, case.worker(), case.worker())
    assert set(Counter(name for _, name in case.looks).values()) <= {4, 5}


def test_another_worker_polls_while_this_one_cannot() -> None:
    case = ScheduleCase()
    with case.store.lock(LOCK):
        assert case.run(SECONDS) == []
        assert case.looks == []
    case.run(2)
    assert len(case.looks) == 1


def test_what_is_found_is_counted() -> None:
    case = ScheduleCase()
    case.run(SECONDS)
    case.open(1)
    assert {"jobs": 1} in case.run(SECONDS)


def test_a_rate_limit_stops_the_account_until_its_end_and_is_told_once() -> None:
    case = ScheduleCase(3)
    case.errors = dict.fromkeys(("acme/app1", "acme/app2", "acme/app3"), RateLimited("slow", 900))
    assert case.problems(800) == ["slow: polling waits for 900 s"]
    assert len(case.looks) == 1
    case.errors = {}
    assert case.problems(200) == []
    assert len({name for _, name in case.looks}) == 3


def test_requests_that_the_forge_counts_slow_the_account_down_and_that_is_told() -> None:
    case = ScheduleCase(200)
    case.source.spacing = 0.9  # 4,000 in an hour
    told = case.problems(3600)
    counted = [request for request in case.source.requests if request != "unchanged"]
    assert len(counted) <= 4000
    assert told == []  # the lists of most repositories are unchanged, and these are not counted
    case.source.spacing = 4.0
    watched = case.source.list_changed_issues

    def unconditional(repository: IssueRef, since: float, **more: str) -> object:
        return watched(repository, since, cursor=more.get("cursor", ""))

    case.source.list_changed_issues = unconditional  # type: ignore[assignment, method-assign]
    before = len(case.looks)
    (problem,) = case.problems(3000)
    assert "200 repositories cannot be polled every 60 s" in problem
    assert len(case.looks) - before <= (3000 + BURST_SECONDS) / 4 + 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotFound("not found"), f"github:acme/app1: not found{NO_ACCESS}"),
        (Forbidden("its issues are turned off"), "github:acme/app1: its issues are turned off"),
        (OperatorError("GitHub refused the token"), "GitHub refused the token"),
    ],
)
def test_an_error_is_told_once_and_the_other_repositories_are_polled(
    error: TaglineError, told: str
) -> None:
    case = ScheduleCase(2)
    case.errors = {"acme/app1": error}
    assert case.problems(2 * 3600) == [told]
    looks = Counter(name for _, name in case.looks)
    assert looks["acme/app2"] > 100
    assert 10 < looks["acme/app1"] < 20
    case.errors = {}
    assert case.problems(1200) == []
    case.errors = {"acme/app1": error}
    assert case.problems(600) == [told]


def test_a_forge_that_fails_is_told_once_and_polled_as_soon_as_it_works() -> None:
    case = ScheduleCase(50)
    down = Unreachable("GitHub cannot be reached at api.github.com")
    case.errors = {f"acme/app{n}": down for n in range(1, 51)}
    assert case.problems(3600) == [str(down)]
    assert len(case.looks) <= 361
    case.errors = {}
    assert case.problems(2 * SECONDS) == []
    assert len({name for at, name in case.looks if at > case.now - 2 * SECONDS}) == 50


def test_a_named_repository_that_is_gone_is_looked_up_again() -> None:
    case = ScheduleCase(2, named=("acme/app1",))
    case.run(SECONDS)
    case.errors = {"acme/app1": NotFound("not found")}
    case.source.repositories[0] = replace(case.source.repositories[0], account="new")
    assert case.problems(3 * SECONDS) == [f"github:acme/app1: not found{NO_ACCESS}"]
    case.errors = {}
    assert case.problems(10 * SECONDS) == []
    assert case.schedule._polled[REPOSITORY.repo_key.replace("7001", "1")].ref.account == "new"


def test_refused_credentials_are_told_once_for_all_repositories() -> None:
    case = ScheduleCase(50)
    refused = OperatorError("GitHub refused the credentials (status 401)")
    case.errors = {f"acme/app{n}": refused for n in range(1, 51)}
    assert case.problems(3600) == [str(refused)]


def test_a_list_of_repositories_that_cannot_be_read_is_told_and_tried_again() -> None:
    case = ScheduleCase(2)
    case.source.error = OperatorError("GitHub refused the credentials (status 401)")
    assert case.problems(300) == ["GitHub refused the credentials (status 401)"]
    case.source.error = None
    assert case.run(SECONDS)[0] == {"repositories": 2}


def test_repositories_come_and_go_with_the_list() -> None:
    case = ScheduleCase(2)
    case.run(SECONDS)
    case.source.repositories = [replace(REPOSITORY, repo="acme/app3", repo_id=3)]
    case.run(int(LIST_SECONDS))
    case.looks.clear()
    case.run(SECONDS)
    assert {name for _, name in case.looks} == {"acme/app3"}
    case.source.repositories = []
    assert case.problems(int(LIST_SECONDS)) == [NO_REPOSITORY]


def test_named_repositories_are_found_once_and_an_unknown_one_is_told() -> None:
    case = ScheduleCase(3, named=("acme/app2", "acme/unknown"))
    find, asked = case.source.find_repository, []

    def find_known(repository: IssueRef) -> IssueRef:
        asked.append(repository.repo)
        if repository.repo == "acme/unknown":
            raise NotFound("not found")
        return find(repository)

    case.source.find_repository = find_known  # type: ignore[method-assign]
    assert case.problems(600) == [f"github:acme/unknown: not found{NO_ACCESS}"]
    assert {name for _, name in case.looks} == {"acme/app2"}
    assert Counter(asked)["acme/app2"] == 1
    assert Counter(asked)["acme/unknown"] > 5
