"""The sections of `tagline stats`."""

from __future__ import annotations

import time
from functools import partial

import redis

from bot.cli.stats_sections import Repository, show_labels
from bot.core.config.schema import RepoConfig
from bot.core.journal import Write
from bot.flow.load_config import ConfigInForce
from bot.store.redis import RedisStore
from tests.fakes import REF

DAY = 86_400


def test_labels_that_were_applied_more_than_30_days_ago_are_not_counted(redis_url: str) -> None:
    now = time.time()
    writes = {40: Write("1", "add-label", "bug"), 20: Write("2", "add-label", "docs")}
    with redis.Redis.from_url(redis_url) as client:
        for days, write in writes.items():
            store = RedisStore(client, partial(float, now - days * DAY))
            store.journal.append(REF.key, [write])
            store.journal.append(REF.key, [Write(write.id, write.kind, state="done")])
        store = RedisStore(client)
        assert len(store.journal.list_writes(REF.key)) == 2
        section = show_labels(Repository(REF, store, ConfigInForce(RepoConfig(), (), "")))
    assert [(row["label"], row["applied"]) for row in section.rows] == [("docs", 1)]
