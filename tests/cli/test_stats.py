"""The sections of `tagline stats`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import redis

from bot.cli.sections.labels import show_labels
from bot.cli.sections.section import Repository, Section
from bot.cli.stats import MAX_ROWS, format_section
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


def show(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["label"], row["issues"]


def make_section(names: list[str]) -> Section:
    rows = [{"label": name, "issues": "7"} for name in names]
    return Section("learned", "Labels", rows, ("label", "issues"), show, "None.", "A note.")


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    lines = list(format_section(make_section([f"team/{n}" for n in range(MAX_ROWS + 3)])))

    assert len(lines) == 2 + MAX_ROWS + 2
    assert lines[-2:] == ["  and 3 more: --json has them", "  A note."]


def test_east_asian_names_keep_the_columns_aligned() -> None:
    lines = list(format_section(make_section(["bug", "文档"])))

    assert lines[2:4] == ["  bug    7", "  文档   7"]
