"""A thread renews the lock of an issue while its holder works."""

from __future__ import annotations

import threading
import time

import pytest
import redis

from bot.core import redis_keys
from bot.core.errors import LockContended
from bot.core.types import Record
from bot.store import locks
from bot.store.bucketed_hash import BucketedHash
from bot.store.journal import RedisJournal
from bot.store.locks import Locks

WRITING = Record("writing")


def locks_of(client: redis.Redis) -> Locks:
    """Return the locks of another worker."""
    return Locks(client, BucketedHash(client, redis_keys.RECORDS, 60, 2), RedisJournal(client))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_MS", 300)
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)


def test_a_lock_outlives_its_time_while_its_holder_works(redis_url: str, quick: None) -> None:
    with redis.Redis.from_url(redis_url) as client:
        first, second = locks_of(client), locks_of(client)
        with first.hold("issue") as lock:
            time.sleep(0.8)
            assert lock.save(WRITING)
            with pytest.raises(LockContended), second.hold("issue"):
                pass
        with second.hold("issue"):
            pass


def test_an_idle_worker_starts_no_further_threads(redis_url: str, quick: None) -> None:
    with redis.Redis.from_url(redis_url) as client:
        first = locks_of(client)
        with first.hold("issue"):
            renewers = {thread.ident for thread in threading.enumerate()}
        for _ in range(3):
            time.sleep(0.12)
            with first.hold("issue"):
                assert {thread.ident for thread in threading.enumerate()} <= renewers
