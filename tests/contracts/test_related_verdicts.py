"""What people said of older issues in comments, in memory and in Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.related import RelatedVerdict
from bot.core.related_port import RelatedVerdicts
from bot.store.corrections import MAX_RELATED_VERDICTS
from bot.store.redis import RedisStore
from tests.fakes import NOW, REF
from tests.memory_store import MemoryStore

CONFIRMED = RelatedVerdict(41, "confirmed", NOW + 0.25, "0123")
RESUMED = RelatedVerdict(0, "resumed", NOW - 60)


@pytest.fixture
def verdicts(store: MemoryStore | RedisStore) -> RelatedVerdicts:
    return store.related_verdicts


def test_verdicts_are_listed_by_their_time(verdicts: RelatedVerdicts) -> None:
    assert verdicts.list(REF.repo_key) == ()
    verdicts.add(REF.repo_key, [CONFIRMED, RESUMED])
    verdicts.add(REF.repo_key, [CONFIRMED])
    verdicts.add(REF.repo_key, [])
    assert verdicts.list(REF.repo_key) == (RESUMED, CONFIRMED)
    assert verdicts.list(f"{REF.repo_key}1") == ()


def test_a_repository_keeps_a_limited_number_the_newest(verdicts: RelatedVerdicts) -> None:
    many = [replace(CONFIRMED, number=n, at=NOW + n) for n in range(1, MAX_RELATED_VERDICTS + 6)]
    verdicts.add(REF.repo_key, many[:50])
    verdicts.add(REF.repo_key, many[50:])
    assert verdicts.list(REF.repo_key) == tuple(many[5:])


def test_they_are_apart_from_corrections_of_labels(store: MemoryStore | RedisStore) -> None:
    store.related_verdicts.add(REF.repo_key, [CONFIRMED])
    assert store.corrections.list(REF.repo_key) == ()
