"""What people did with labels, in memory and in Redis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.correction_port import CorrectionStore
from bot.core.corrections import Correction
from bot.store.corrections import MAX_CORRECTIONS
from bot.store.redis import RedisStore
from tests.fakes import NOW, REF
from tests.memory_store import MemoryStore

REMOVED = Correction(41, "ü/ö \U0001f41b", "removed", NOW + 0.25, "model", "sure", "0123")
ADDED = Correction(7, "docs", "added", NOW - 60)


@pytest.fixture
def corrections(store: MemoryStore | RedisStore) -> CorrectionStore:
    return store.corrections


def test_corrections_are_listed_by_their_time(corrections: CorrectionStore) -> None:
    assert corrections.list(REF.repo_key) == ()
    corrections.add(REF.repo_key, [REMOVED, ADDED])
    assert corrections.list(REF.repo_key) == (ADDED, REMOVED)
    assert corrections.list(f"{REF.repo_key}1") == ()


def test_the_same_correction_again_is_one(corrections: CorrectionStore) -> None:
    for _ in range(3):
        corrections.add(REF.repo_key, [REMOVED])
    corrections.add(REF.repo_key, [])
    assert corrections.list(REF.repo_key) == (REMOVED,)


def test_a_repository_keeps_a_limited_number_the_newest(corrections: CorrectionStore) -> None:
    many = [replace(ADDED, number=n, at=NOW + n) for n in range(1, MAX_CORRECTIONS + 6)]
    for start in range(0, len(many), 300):
        corrections.add(REF.repo_key, many[start : start + 300])
    assert corrections.list(REF.repo_key) == tuple(many[5:])


def test_a_limit_is_reported_by_the_first_of_all_workers(corrections: CorrectionStore) -> None:
    assert not corrections.is_limit_reported(REF.repo_key, "d1 0.0")
    assert corrections.report_limit(REF.repo_key, "d1 0.0")
    assert corrections.is_limit_reported(REF.repo_key, "d1 0.0")
    assert not corrections.report_limit(REF.repo_key, "d1 0.0")
    assert corrections.report_limit(REF.repo_key, "d1 5.0")
    assert corrections.report_limit(f"{REF.repo_key}1", "d1 0.0")
