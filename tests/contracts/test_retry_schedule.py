"""Issues that wait for a model, in memory and in Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.ports import PROBE_SECONDS, RetrySchedule
from bot.store.redis import RedisStore
from bot.store.retry_schedule import LEASE_SECONDS
from tests.fakes import NOW, REF
from tests.memory_store import MemoryStore

ONE, TWO, THREE = (replace(REF, number=number) for number in (1, 2, 3))


@pytest.fixture
def retry_schedule(store: MemoryStore | RedisStore) -> RetrySchedule:
    return store.retry_schedule


def test_each_comes_when_it_is_due_and_again_when_its_job_got_lost(
    retry_schedule: RetrySchedule,
) -> None:
    retry_schedule.schedule(ONE, NOW)
    retry_schedule.schedule(TWO, NOW + 60)
    assert retry_schedule.take_due(NOW) == ONE
    assert retry_schedule.take_due(NOW) is None
    assert retry_schedule.take_due(NOW + 60) == TWO
    assert retry_schedule.take_due(NOW + LEASE_SECONDS) == ONE


def test_the_issues_come_one_by_one_the_first_due_first(retry_schedule: RetrySchedule) -> None:
    for ref, due in ((ONE, NOW), (TWO, NOW - 2), (THREE, NOW - 1)):
        retry_schedule.schedule(ref, due)
    assert [retry_schedule.take_due(NOW) for _ in range(4)] == [TWO, THREE, ONE, None]


def test_an_issue_that_was_removed_comes_no_more(retry_schedule: RetrySchedule) -> None:
    retry_schedule.schedule(ONE, NOW)
    retry_schedule.suspend(TWO, NOW)
    retry_schedule.remove(ONE)
    retry_schedule.remove(TWO)
    retry_schedule.resume(NOW, include_scheduled=True)
    assert retry_schedule.take_due(NOW + 9999) is None


def test_one_probe_a_minute_the_longest_suspended_first(retry_schedule: RetrySchedule) -> None:
    retry_schedule.suspend(TWO, NOW + 1)
    retry_schedule.suspend(ONE, NOW)
    assert retry_schedule.take_due(NOW + 9) is None
    assert retry_schedule.take_probe(NOW + 9) == ONE
    assert retry_schedule.take_probe(NOW + 10) is None


def test_an_issue_that_is_due_may_be_the_probe(retry_schedule: RetrySchedule) -> None:
    retry_schedule.schedule(ONE, NOW + 5)
    assert retry_schedule.take_probe(NOW) is None
    assert retry_schedule.take_probe(NOW + 5) == ONE


def test_suspended_issues_are_due_at_once_and_the_others_keep_their_time(
    retry_schedule: RetrySchedule,
) -> None:
    retry_schedule.suspend(ONE, NOW)
    retry_schedule.schedule(TWO, NOW + 60)
    retry_schedule.resume(NOW)
    assert retry_schedule.take_due(NOW) == ONE
    retry_schedule.resume(NOW, include_scheduled=True)
    assert retry_schedule.take_due(NOW) == TWO  # a job for the first one may run
    retry_schedule.suspend(THREE, NOW)
    assert retry_schedule.take_probe(NOW) == THREE
    retry_schedule.suspend(THREE, NOW)
    assert retry_schedule.take_probe(NOW + PROBE_SECONDS / 2) is None
    retry_schedule.resume(NOW, include_scheduled=True)
    retry_schedule.suspend(THREE, NOW)
    assert retry_schedule.take_probe(NOW + PROBE_SECONDS / 2) == THREE
