"""The sweep: what nobody took and what nobody looked at is found, once, and not for ever."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest

from bot.core.errors import NotCovered, NotFound, Retry, TaglineError
from bot.core.types import IssueRef, Job, Record
from bot.flow.reconcile import LOOK_BACK_SECONDS, MIN_AGE_SECONDS, Reconciliation
from bot.store.no_store import NoRateLimiter
from tests.fakes import NOW, REF

PLACE = replace(REF, number=0)
ELSEWHERE = replace(PLACE, repo="acme/other", repo_id=7002)


@dataclass
class FakeLedger:
    known: dict[str, IssueRef] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    leased: set[str] = field(default_factory=set)

    def lease(self, name: str, seconds: float) -> bool:
        free = name not in self.leased
        self.leased.add(name)
        return free

    def repositories(self) -> tuple[IssueRef, ...]:
        return tuple(self.known.values())

    def save_repositories(self, places: Collection[IssueRef]) -> None:
        self.known |= {place.place_key: place for place in places}

    def forget_repository(self, place: IssueRef) -> None:
        self.known.pop(place.place_key, None)

    def attempts_today(self, key: str) -> int:
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]

    def record(self, key: str) -> Record | None:
        return self.records.get(key)


@dataclass
class FakeWatched:
    """Issues by the moment of their opening; an error for a repository that cannot be read."""

    opened: dict[IssueRef, float] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    error: TaglineError | None = None
    uncovered: set[str] = field(default_factory=set)

    def opened_between(self, place: IssueRef, since: float, until: float) -> tuple[IssueRef, ...]:
        if self.error and place == ELSEWHERE:
            raise self.error
        if place.account in self.uncovered:
            raise NotCovered("out of reach")
        here = {r: at for r, at in self.opened.items() if r.repo_id == place.repo_id}
        return tuple(ref for ref, at in here.items() if since <= at <= until)

    def failed_deliveries(self, since: float) -> dict[int, str]:
        return self.failed

    def redeliver(self, delivery: int) -> None:
        self.asked.append(delivery)


class FakePace(NoRateLimiter):
    """`waiting` are tickets whose moment is still to come, `silent` accounts that are paused."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.silent: set[str] = set()

    def is_reserved(self, account: str, ticket: str) -> bool:
        return ticket in self.waiting

    def pause_left(self, account: str) -> float:
        return 60.0 if account in self.silent else 0.0


class House:
    def __init__(self, *places: IssueRef) -> None:
        self.state, self.forge, self.now = FakeLedger(), FakeWatched(), NOW
        self.state.save_repositories(list(places))
        self.sent: list[Job] = []
        self.pace = FakePace()
        self.sweep = Reconciliation(
            self.state, self.pace, lambda name: self.forge, ("github",), lambda: self.now
        )

    def again(self) -> dict[str, object]:
        self.state.leased.clear()
        self.sent.clear()
        return dict(self.sweep.run_once(self.sent.append))

    @property
    def numbers(self) -> list[int]:
        return [delivery.ref.number for delivery in self.sent]


def number(at: int) -> IssueRef:
    return replace(REF, number=at)


def test_a_young_issue_without_a_record_is_enqueued() -> None:
    app = House(PLACE)
    app.forge.opened = {
        number(1): NOW - 3600,
        number(2): NOW - 3600,
        number(3): NOW - LOOK_BACK_SECONDS - 1,
        number(4): NOW - MIN_AGE_SECONDS + 5,
    }
    app.state.records[number(2).key] = Record("skipped")
    assert app.again() == {"issues": 1, "deliveries": 0, "problems": []}
    (delivery,) = app.sent
    assert (delivery.kind, delivery.ref, delivery.received_at) == ("opened", number(1), NOW)


def test_an_issue_that_always_fails_is_looked_after_less_and_less() -> None:
    app = House(PLACE)
    app.forge.opened = {number(1): NOW - 3600}
    found = []
    for look in range(1, 289):  # a day
        app.again()
        found += [look] * len(app.sent)
    assert found == [1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_a_worker_that_dies_while_it_sends_delays_one_issue() -> None:
    app = House(PLACE)
    app.forge.opened = {number(n): NOW - 3600 for n in (1, 2, 3)}

    def die(_delivery: Job) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        app.sweep.run_once(die)
    app.again()
    assert app.numbers == [1, 2, 3]
    app.again()
    assert app.numbers == [2, 3]  # their second look; the third one of the first is passed over


def test_an_issue_whose_job_waits_for_its_turn_to_comment_gets_no_second_one() -> None:
    app = House(PLACE)
    app.forge.opened = {number(1): NOW - 3600}
    app.pace.waiting = {number(1).key}
    app.again()
    assert app.numbers == []
    app.pace.waiting.clear()  # its job got lost
    app.again()
    assert app.numbers == [1]


def test_an_account_whose_forge_asked_to_wait_is_left_alone() -> None:
    app = House(PLACE)
    app.forge.opened = {number(1): NOW - 3600}
    app.pace.silent = {PLACE.account_key}
    app.again()
    assert app.numbers == []


def test_two_workers_sweep_once() -> None:
    app = House(PLACE)
    app.forge.opened = {number(1): NOW - 3600}
    app.again()
    assert app.sweep.run_once(app.sent.append) == {}


def test_deliveries_that_nobody_took_are_asked_for_again_and_not_for_ever() -> None:
    app = House()
    app.forge.failed = {11: "guid-1", 12: "guid-2"}
    assert app.again()["deliveries"] == 2
    for _ in range(6):
        app.again()
    assert app.forge.asked == [11, 12] * 3


def test_places_outlive_a_redis_that_forgot_everything() -> None:
    app = House(PLACE)
    app.again()
    app.state.known.clear()
    app.forge.opened = {number(1): NOW - 3600}
    app.again()
    assert app.numbers == [1]
    assert app.state.repositories() == (PLACE,)


def test_a_repository_that_left_us_is_forgotten_and_the_others_are_swept() -> None:
    app = House(ELSEWHERE, PLACE)
    app.forge.opened = {number(1): NOW - 3600}
    app.forge.error = NotFound("not found")
    app.again()
    assert app.numbers == [1]
    assert app.state.repositories() == (PLACE,)


def test_a_repository_that_one_worker_forgot_is_brought_back_by_no_other() -> None:
    app = House(ELSEWHERE, PLACE)
    other = Reconciliation(app.state, app.pace, lambda name: app.forge, ("github",), lambda: NOW)
    other.run_once(app.sent.append)
    app.forge.error = NotFound("not found")
    app.again()
    other.run_once(app.sent.append)
    assert app.state.repositories() == (PLACE,)


def test_a_repository_that_cannot_be_read_now_is_told_and_tried_again() -> None:
    app = House(ELSEWHERE, PLACE)
    app.forge.error = Retry("GitHub failed (status 502)")
    assert app.again()["problems"] == ["GitHub failed (status 502)"]
    assert set(app.state.repositories()) == {PLACE, ELSEWHERE}


@pytest.mark.parametrize("forge", ["gitlab"])
def test_a_forge_without_access_is_left_out(forge: str) -> None:
    app = House(replace(PLACE, forge=forge))
    app.forge.opened = {number(1): NOW - 3600}
    assert app.again() == {}


def test_many_repositories_are_looked_at_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.flow.reconcile.REPOSITORIES_PER_RUN", 2)
    app = House(*(replace(PLACE, repo_id=number) for number in range(1, 6)))
    app.forge.opened = {replace(REF, repo_id=number): NOW - 3600 for number in range(1, 6)}
    found = []
    for _ in range(3):
        app.again()
        found += [delivery.ref.repo_id for delivery in app.sent]
    assert sorted(set(found)) == [1, 2, 3, 4, 5]


def test_a_sweep_that_knows_no_repository_does_not_put_off_the_next() -> None:
    app = House()
    app.again()
    app.state.save_repositories([PLACE])
    app.forge.opened = {number(1): NOW - 3600}
    assert app.sweep.run_once(app.sent.append)["issues"] == 1


def test_an_issue_whose_job_was_given_up_in_the_midst_of_writing_is_enqueued() -> None:
    app = House(PLACE)
    app.forge.opened = {number(1): NOW - 3600}
    app.state.records[number(1).key] = Record("writing", labels=("bug",))
    app.again()
    assert app.numbers == [1]


def test_a_place_with_a_wrong_account_is_forgotten_and_the_right_one_stays() -> None:
    wrong = replace(PLACE, account="666")
    app = House(PLACE, wrong)
    app.forge.opened = {number(1): NOW - 3600}
    app.forge.uncovered = {"666"}
    app.again()
    assert app.numbers == [1]
    assert app.state.repositories() == (PLACE,)
