"""Confirmed writes are counted in the step that saves them, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import redis

from bot.core.journal import Write
from bot.core.types import Record
from bot.store.metrics import RedisMetrics
from bot.store.redis import RedisStore
from tests.fakes import REF

LABEL = Write("0a", "add-label", "bug")
COMMENT = Write("0b", "post-comment")
DONE = [replace(LABEL, state="done"), replace(COMMENT, comment_id=7, state="done")]
COUNTS = {("writes", "github", "add-label"): 1, ("writes", "github", "post-comment"): 1}


def _count(client: redis.Redis) -> object:
    return RedisMetrics(client).snapshot().counters


def _finish(client: redis.Redis, writes: Sequence[Write]) -> None:
    with RedisStore(client).lock(REF.key) as lock:
        lock.finish(Record("answered"), writes)


def test_a_write_counts_once_the_forge_has_confirmed_it(client: redis.Redis) -> None:
    journal = RedisStore(client).journal
    journal.append(REF.key, [LABEL, COMMENT])
    assert _count(client) == {}
    _finish(client, DONE)
    assert _count(client) == COUNTS


def test_a_refused_write_does_not_count(client: redis.Redis) -> None:
    _finish(client, [LABEL, replace(LABEL, state="refused")])
    assert _count(client) == {}


def test_a_write_that_a_later_try_confirms_again_counts_once(client: redis.Redis) -> None:
    journal = RedisStore(client).journal
    journal.append(REF.key, [LABEL, COMMENT])
    journal.append(REF.key, DONE)
    journal.append(REF.key, [LABEL])
    _finish(client, [*DONE, *DONE])
    assert _count(client) == COUNTS


def test_a_worker_that_has_lost_the_lock_counts_nothing(client: redis.Redis) -> None:
    with RedisStore(client).lock(REF.key) as lock:
        client.set(f"tagline:lock:{REF.key}", "another worker")
        lock.finish(Record("answered"), DONE)
    assert _count(client) == {}
