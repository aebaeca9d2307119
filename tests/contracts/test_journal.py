"""The journal of writes, in memory and in Redis."""

from __future__ import annotations

import pytest

from bot.core.journal import Write
from bot.core.ports import Journal
from bot.store.redis import RedisStore
from tests.clock import Clock
from tests.fakes import DAY, NOW, REF
from tests.memory_store import MemoryStore

BUG = Write("1", "add-label", "bug", source="model", certainty="sure")
COMMENT = Write("2", "post-comment")
POSTED = Write("2", "post-comment", comment_id=2**53 + 1, state="done")
DONE = Write("1", "add-label", state="done")
OTHER = f"{REF.repo_key}:42"


@pytest.fixture
def journal(store: MemoryStore | RedisStore) -> Journal:
    return store.journal


def test_a_write_has_its_last_state_and_its_first_time(journal: Journal, clock: Clock) -> None:
    journal.append(REF.key, [BUG, COMMENT])
    clock.now += 5
    journal.append(REF.key, [POSTED, DONE])
    label, comment = journal.list_writes(REF.key)
    assert (label.id, label.label, label.source, label.certainty) == ("1", "bug", "model", "sure")
    assert (label.state, label.at) == ("done", NOW)
    assert (comment.state, comment.comment_id, comment.at) == ("done", 2**53 + 1, NOW)


def test_a_journal_belongs_to_one_issue(journal: Journal) -> None:
    journal.append(REF.key, [BUG])
    assert journal.list_writes(OTHER) == ()


def test_a_write_is_kept_for_thirty_days_and_then_forgotten(journal: Journal, clock: Clock) -> None:
    journal.append(REF.key, [BUG])
    clock.now += 30 * DAY
    assert len(journal.list_writes(REF.key)) == 1
    clock.now += 13 * DAY
    assert journal.list_writes(REF.key) == ()
    assert list(journal.list_repository(REF.repo_key)) == []


def test_the_issues_of_one_repository_are_listed_once(journal: Journal, clock: Clock) -> None:
    journal.append(REF.key, [BUG])
    journal.append(f"{REF.repo_key}9:41", [BUG])  # a repository whose number starts alike
    journal.append("gitlab:[x]*:7:1", [BUG])
    clock.now += 7 * DAY
    journal.append(REF.key, [COMMENT])
    journal.append(OTHER, [COMMENT])
    found = {number: [one.id for one in writes] for number, writes in listed(journal)}
    assert found == {41: ["1", "2"], 42: ["2"]}
    assert [number for number, _ in journal.list_repository("gitlab:[x]*:7")] == [1]


def listed(journal: Journal) -> list[tuple[int, tuple[Write, ...]]]:
    return list(journal.list_repository(REF.repo_key))
