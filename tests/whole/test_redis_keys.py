"""Every key in Redis is one that `bot/core/redis_keys.py` describes, with the type it names."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from bot.core import redis_keys
from bot.core.corrections import Correction
from bot.core.related import RelatedVerdict
from tests.fakes import REF
from tests.whole.app import Build
from tests.whole.test_upgrade import DATA

SOURCE = Path(redis_keys.__file__).read_text()
DESCRIBED = {
    getattr(redis_keys, constant): redis_type
    for redis_type, constant in re.findall(
        r"^# (list|hash|set|zset|string): [^\n]+; [^\n]+\n([A-Z_]+) = ", SOURCE, re.MULTILINE
    )
}


def described_type(key: str) -> str:
    """Return the type in the description that fits a key best; "" where none does."""
    fitting = [template for template in DESCRIBED if re.fullmatch(pattern(template), key)]
    return DESCRIBED[max(fitting, key=len)] if fitting else ""


def pattern(template: str) -> str:
    return re.sub(r"\\\{\w+\\\}", ".+", re.escape(template))


def test_each_key_is_described() -> None:
    names = [name for name in vars(redis_keys) if name.isupper()]
    assert len(DESCRIBED) == len(names) - len({"NAMESPACE", "QUEUE_NAME"})


def test_a_whole_run_leaves_only_keys_that_are_described(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.metrics.EVERY_SECONDS", 0.1)
    app = build()
    with app.open():
        app.issue(author="ann")
        for _ in range(3):
            app.box.fault("model-500")
        app.issue(body="Another one.", author="bob")
        app.arm_fault("forge-502", "comments")
        app.issue(body="A third one.", author="cid")
        app.store.rate_limiter.pause("an account", 60)
        app.store.looks.schedule(REF, time.time())
        app.store.search_budget.take("an account", 1)
        app.store.search_budget.pause("an account", 60)
        app.store.call_failed("openai", at_once=True)
        app.store.corrections.add("a repository", [Correction(1, "bug", "removed", 1.0)])
        app.store.related_verdicts.add("a repository", [RelatedVerdict(1, "confirmed", 1.0)])
        client: Any = app.redis
        types = {key.decode(): client.type(key).decode() for key in client.scan_iter()}
    types = {key: name for key, name in types.items() if name != "none"}  # gone since the scan
    assert {key: described_type(key) for key in types} == types
    assert len(types) >= 20


def test_the_keys_of_a_former_version_have_the_same_names() -> None:
    for data in json.loads(DATA.read_text()).values():
        assert [key for key in data["keys"] if not described_type(key)] == []
