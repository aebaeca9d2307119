"""What a former version left in Redis and on the forges comes to the right end.

The data is of the version before the internals were renamed, on each forge: an answered issue, two
that wait for a model (one of them suspended), a dead letter, a delayed job and a queued one.
"""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from bot import wiring
from bot.core.pricing import Limits
from bot.queue.dead_letters import DeadLetters
from tests.whole.app import BODY, TITLE, App, Build

DATA = Path(__file__).parent / "data" / "upgrade.json"
ANSWERED, SCHEDULED, SUSPENDED, DEAD, DELAYED, QUEUED = range(1, 7)
SPANS = (3600, 7200, 86_400, 6 * 86_400, 90 * 86_400)
MICRO = 1_000_000
STATUSES = ["answered", "fallback", "fallback", "writing", "writing"]
STATES = ["done", "done", "done", "dead", "waiting"]
SORTED_SETS = ("tagline:issues.XQ", "tagline:waiting", "tagline:parked")
CONFIG = "colour: red\n"  # a problem that the comment of the first issue reports


def restore(app: App) -> dict[str, Any]:
    """Put the data into Redis and on the forge; return the keys and their values."""
    data = json.loads(DATA.read_text())[app.on]
    app.configure(CONFIG)
    bot, comment_id = app.host.bot_accounts[0], 0
    for number, issue in data["issues"].items():
        body, author = f"{BODY} Number {number}.", f"author-{number}"
        assert app.host.open_issue(app.repo, TITLE, body, author=author, deliver=False) == int(
            number
        )
        app.host.state.add_labels(app.repo, int(number), issue["labels"], bot)
        for text in issue["comments"]:
            as_app = app.box.app_id if app.on == "github" else None
            event = app.host.state.comment(app.repo, int(number), text, bot, as_app)
            assert event.comment
            comment_id = event.comment.id
    now = int(time.time())
    values = {
        "<now>": now - 60,
        "<repo>": app.repo,
        "<repo id>": app.host.state.repo(app.repo).id,
        "<comment 1>": comment_id,
        **{f"<span {seconds}>": now // seconds for seconds in SPANS},
    }
    text = json.dumps(data["keys"])
    for name, value in values.items():
        text = text.replace(name, str(value))
    keys: dict[str, Any] = json.loads(text)
    for key, value in keys.items():
        if isinstance(value, str):
            app.redis.set(key, value)
        elif isinstance(value, list):
            app.redis.rpush(key, *value)
        elif key in SORTED_SETS or ":pace:" in key:
            app.redis.zadd(key, value)
        else:
            app.redis.hset(key, mapping=value)
    return keys


def answered(app: App, number: int) -> bool:
    comments = [comment.body for comment in app.comments(number)]
    assert len(comments) <= 1
    return any("Written by Tagline with `gpt-4o-mini`" in body for body in comments)


def test_jobs_and_waiting_issues_of_a_former_version_come_to_the_right_end(build: Build) -> None:
    app = build(LLM_MODEL="gpt-4o-mini")
    with app.open(worker=False):
        app.clear_schedules()
        keys = restore(app)
        before = app.comments(ANSWERED)
        letters = DeadLetters(app.redis)
        (dead,) = letters.all()
        assert dead.issue == app.ref(DEAD)
        with app.running_worker(clear=False):
            for number in (SCHEDULED, SUSPENDED, DELAYED, QUEUED):
                app.wait(partial(answered, app, number))
            assert app.labels(DEAD) == ["bug", "area/login"]
            assert app.comments(DEAD) == []
            assert letters.send_again([dead.job]) == {dead.job}
            app.wait(partial(answered, app, DEAD))
            app.deliver_opened(ANSWERED)
            assert app.wait_for_end().outcome == "unchanged"
            app.wait(lambda: not app.redis.hlen("tagline:issues.msgs"))
        assert app.comments(ANSWERED) == before
        for number in range(ANSWERED, QUEUED + 1):
            assert answered(app, number)
            assert sorted(app.labels(number)) == ["area/login", "bug"]
        delayed = app.store.job(delayed_job(keys))
        assert delayed
        assert (delayed.state, delayed.tries) == ("done", 2)
        for key in ("issues", "issues.DQ", "issues.DQ.msgs", "issues.XQ", "waiting", "parked"):
            assert not app.redis.exists(f"tagline:{key}"), key


def test_the_stores_read_what_a_former_version_kept(build: Build) -> None:
    app = build()
    with app.open(worker=False):
        keys = restore(app)
        store, repository = app.store, next(iter(hash_of(keys, "configs")))
        assert store.last_config(repository) == CONFIG
        assert store.reported_problems(repository)
        (answer,) = hash_of(keys, "twins")
        key, digest = answer.rsplit(":", 1)
        (cached,) = store.cached_answers(key, [digest])
        assert (cached.number, [label.label for label in cached.choices]) == (
            ANSWERED,
            ["bug", "area/login"],
        )
        spent = int(hash_of(keys, "spent")["all"]) / MICRO
        assert spent > 0
        for usd, refusal in ((spent, "day"), (2 * spent, "")):
            assert store.budgets.reserve(repository, "", "", spent, Limits(usd, 1.0, 1)) == refusal
        records = {key: store.record(key) for key in hash_of(keys, "done")}
        assert [record.status for record in records.values() if record] == STATUSES
        jobs = [store.job(job) for job in hash_of(keys, "jobs")]
        assert sorted(job.state for job in jobs if job) == sorted(STATES)
        assert [ref.repo for ref in store.reconcile_state.repositories()] == [app.repo]
        assert store.answers("openai") == int(keys["tagline:breaker:openai:answers"])
        counters = wiring.metrics(app.settings, app.redis).snapshot().counters
        assert counters["jobs", app.on, "answered"] == 1


def test_a_label_that_a_former_version_set_is_corrected(build: Build) -> None:
    app = build(LLM_MODEL="gpt-4o-mini")
    with app.open(worker=False):
        app.clear_schedules()
        keys = restore(app)
        app.host.unlabel_by_person(app.repo, ANSWERED, "bug")
        with app.running_worker(clear=False):
            assert app.wait_for_end().why == "1 removed, 1 kept"
        key, *_ = hash_of(keys, "done")
        corrections = app.store.corrections.list(key.rpartition(":")[0])
        assert {(one.verdict, one.label, one.source, one.certainty) for one in corrections} == {
            ("removed", "bug", "model", ""),
            ("kept", "area/login", "model", ""),
        }
        record = app.store.record(key)
        assert record
        assert (record.status, record.removed) == ("answered", ("bug",))


def hash_of(keys: dict[str, Any], name: str) -> dict[str, str]:
    """Return the values of one span, the only one of its kind."""
    (value,) = (value for key, value in keys.items() if key.startswith(f"tagline:{name}:"))
    found: dict[str, str] = value
    return found


def delayed_job(keys: dict[str, Any]) -> str:
    (message,) = keys["tagline:issues.DQ.msgs"].values()
    return str(json.loads(message)["message_id"])
