"""What polling keeps of repositories and issues, in memory and in Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.polling import Cursor, Snapshot
from bot.core.polling_ports import PollState
from bot.store.redis import RedisStore
from tests.clock import Clock
from tests.fakes import DAY, NOW, REF
from tests.memory_store import MemoryStore

SEEN = Snapshot(True, "0123456789abcdef", ("bug", "area/ui"), NOW - 10, NOW)


@pytest.fixture
def state(store: MemoryStore | RedisStore) -> PollState:
    return store.poll_state


def test_the_last_cursor_of_each_repository_is_kept(state: PollState) -> None:
    assert state.cursor(REF.repo_key) is None
    first = Cursor(NOW, NOW - DAY)
    state.save_cursor(REF.repo_key, first)
    state.save_cursor("gitlab:gitlab.com:1", Cursor(0.0, 0.0))
    later = replace(first, since=NOW, etag='W/"1"')
    state.save_cursor(REF.repo_key, later)
    assert state.cursor(REF.repo_key) == later


def test_the_last_snapshot_of_each_issue_is_kept_as_long_as_its_record(
    state: PollState, clock: Clock
) -> None:
    assert state.snapshot(REF.key) is None
    state.save_snapshot(REF.key, replace(SEEN, is_open=False))
    state.save_snapshot(REF.key, SEEN)
    state.save_snapshot(replace(REF, number=42).key, replace(SEEN, labels=()))
    clock.now += 30 * DAY
    assert state.snapshot(REF.key) == SEEN
