"""Issues with suggestions are looked at once a day, a few at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.types import IssueRef, Job, Record
from bot.flow.schedule_looks import LOOKS_PER_ROUND, ROUND_SECONDS, Looks
from tests.fakes import DAY, NOW, REF
from tests.memory_store import MemoryStore


class Rounds:
    """The rounds of a day; `now` is moved by tests."""

    def __init__(self, forges: tuple[str, ...] = ("github",)) -> None:
        self.now = NOW
        self.store = store = MemoryStore(lambda: self.now)
        self.looks = Looks(
            *(store.looks, store.record, store.reconcile_state, forges, lambda: self.now)
        )
        self.sent: list[Job] = []

    def add(self, number: int, due: float = NOW) -> IssueRef:
        ref = replace(REF, number=number)
        self.store.save(ref.key, Record("answered", input="0" * 16))
        self.store.looks.schedule(ref, due)
        return ref

    def run(self) -> object:
        return self.looks.run_once(self.sent.append)


def test_a_round_sends_a_job_for_each_issue_that_is_due() -> None:
    rounds = Rounds()
    ref = rounds.add(41)
    rounds.add(7, due=NOW + DAY)
    assert rounds.run() == {"issues": 1}
    (job,) = rounds.sent
    assert (job.kind, job.ref, job.received_at) == ("labels", ref, NOW)


def test_of_many_issues_a_few_are_looked_at_in_a_minute_by_all_workers() -> None:
    rounds = Rounds()
    count = 2 * LOOKS_PER_ROUND + 1
    for number in range(count):
        rounds.add(number)
    expected = [LOOKS_PER_ROUND, LOOKS_PER_ROUND, 1, 0]
    for total in expected:
        before = len(rounds.sent)
        assert rounds.run() == ({"issues": total} if total else {})
        assert rounds.run() == {}, "another worker, in the same minute"
        assert len(rounds.sent) - before == total
        rounds.now += ROUND_SECONDS
    assert len({job.id for job in rounds.sent}) == count


def test_a_look_that_got_lost_comes_again_the_next_day() -> None:
    rounds = Rounds()
    ref = rounds.add(41)
    for _ in range(3):
        rounds.run()
        rounds.now += DAY
    assert [job.ref for job in rounds.sent] == [ref] * 3


def test_an_issue_of_a_forge_without_access_gets_no_job() -> None:
    rounds = Rounds(forges=("gitlab",))
    rounds.add(41)
    assert (rounds.run(), rounds.sent) == ({}, [])


@pytest.mark.parametrize("forges", [("github",), ("gitlab",)])
def test_an_issue_whose_record_has_expired_leaves_the_schedule(forges: tuple[str, ...]) -> None:
    rounds = Rounds(forges)
    rounds.store.looks.schedule(REF, NOW)
    assert (rounds.run(), rounds.sent) == ({}, [])
    assert rounds.store.looks.take_due(NOW + 9 * DAY) is None
