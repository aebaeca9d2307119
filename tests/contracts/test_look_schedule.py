"""Issues with suggestions that wait for a person, in memory and in Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.suggestion_port import LOOK_AGAIN_SECONDS, LookSchedule
from bot.store.redis import RedisStore
from tests.fakes import NOW, REF
from tests.memory_store import MemoryStore

ONE, TWO, THREE = (replace(REF, number=number) for number in (1, 2, 3))


@pytest.fixture
def looks(store: MemoryStore | RedisStore) -> LookSchedule:
    return store.looks


def test_each_is_due_once_a_day_until_it_is_removed(looks: LookSchedule) -> None:
    looks.schedule(ONE, NOW)
    assert looks.take_due(NOW - 1) is None
    for day in range(3):
        now = NOW + day * LOOK_AGAIN_SECONDS
        assert looks.take_due(now) == ONE
        assert looks.take_due(now + LOOK_AGAIN_SECONDS - 1) is None
    looks.remove(ONE)
    looks.remove(TWO)
    assert looks.take_due(NOW + 9 * LOOK_AGAIN_SECONDS) is None


def test_the_issue_that_is_due_longest_comes_first(looks: LookSchedule) -> None:
    for ref, due in ((ONE, NOW), (TWO, NOW - 2), (THREE, NOW - 1)):
        looks.schedule(ref, due)
    looks.schedule(ONE, NOW - 3)
    assert [looks.take_due(NOW) for _ in range(4)] == [ONE, TWO, THREE, None]
