"""TAGLINE_PAUSE: deliveries are received and queued, and nothing is done with them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from bot import wiring, wiring_periodic
from bot.core import redis_keys
from bot.settings.load import PAUSED
from bot.wiring_periodic import POLLED
from tests.simulation import Sandbox
from tests.waiting import wait_until
from tests.whole.app import LABELS, App, Build
from tests.whole.check_command import CheckCommand
from tests.whole.test_command_line import tagline
from tests.whole.test_run import REPO, RunCommand


def read_gauges(app: App) -> dict[tuple[str, ...], float]:
    counters = wiring.metrics(app.settings, wiring.redis_client(app.settings))
    try:
        return {**counters.snapshot().gauges}
    finally:
        counters.close()


def test_a_paused_worker_does_nothing_and_its_jobs_run_after_a_restart(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.metrics.EVERY_SECONDS", 0.1)
    app = build(TAGLINE_PAUSE="1")
    with app.open(worker=False):
        start = len(app.host.exchanges)
        with app.running_worker():
            app.wait(lambda: read_gauges(app)["paused",])
            number = app.host.open_issue(app.repo, "Crash", "It crashed with an exception.")
            assert app.opened.status == 202
            gauges = app.wait(lambda: read_gauges(app))
            assert (gauges["queue_jobs", "waiting"], app.comments(number)) == (1, [])
            assert app.redis.keys(redis_keys.FETCHED.format(broker="*", queue="*")) == []
            assert httpx.get(f"{app.url}/readyz").status_code == 200
        assert len(app.host.exchanges) == start
        app.environment["TAGLINE_PAUSE"] = ""
        with app.running_worker():
            assert app.wait_for_job().state == "done"
            assert len(app.comments(number)) == 1
            app.wait(lambda: ("rate_left_ratio", app.on) in read_gauges(app))
            gauges = read_gauges(app)
        assert 0 < gauges["rate_left_ratio", app.on] <= 1
        assert gauges["queue_oldest_seconds",] == 0


def test_a_paused_worker_goes_on_polling() -> None:
    reports, polls = list[str](), list[str]()

    def poll() -> dict[str, object]:
        polls.append("poll")
        return {}

    tasks = wiring_periodic.pausable_tasks(
        {POLLED: poll}, lambda: True, lambda: reports.append("paused")
    )
    tasks.start()
    wait_until(lambda: bool(reports and polls))
    tasks.stop(5)


def test_run_says_at_its_start_that_it_is_paused(box: Sandbox, clean: str, tmp_path: Path) -> None:
    run = RunCommand(box, clean, tmp_path)
    run.environ["TAGLINE_PAUSE"] = "yes"
    box.add_repo(REPO, LABELS)
    with run.ready() as process:
        number = box.open_issue(REPO, "Crash", "It crashed with an exception.")
        assert box.opened.status == 202
        wait_until(lambda: b'"ready"' in (tmp_path / "run.log").read_bytes())
        result = tagline("check", "--json", cwd=tmp_path, environment=run.environ)
        lines = [(x["level"], x["what"]) for x in json.loads(result.stdout)["findings"]]
        assert ("warning", PAUSED) in lines
        assert ("warning", "a worker is paused: jobs wait") in lines
        process.terminate()
        assert process.wait(20) == 0
    events = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert PAUSED in [event["event"] for event in events if event["level"] == "warning"]
    assert box.bot_comments(REPO, number) == []


def test_check_takes_the_jobs_of_a_paused_worker_for_no_problem(check: CheckCommand) -> None:
    client = check.app.redis
    client.rpush(redis_keys.QUEUE, "j-1")
    client.hset(redis_keys.QUEUE_MESSAGES, "j-1", json.dumps({"message_timestamp": 1}))
    assert "1 job waits, the oldest for" in check.problem("redis")
    client.set(redis_keys.PAUSED, 1)
    assert ("a worker is paused: jobs wait") in [x["what"] for x in check.lines()]
