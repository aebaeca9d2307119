"""The admin page of a running receiver and worker: twenty issues, a pause, a dead letter."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from bot.core import redis_keys
from tests.waiting import wait_until
from tests.web.admin_page import TOKEN, logged_in
from tests.whole.app import BODY, TITLE, Build
from tests.whole.test_command_line import tagline
from tests.whole.test_pause import read_gauges

ISSUES = 20
ANSWERED = r"Answers (\d+) \( ?\1 by model ?\)"


def read_text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_twenty_answered_issues_are_on_the_page_and_none_of_their_text(build: Build) -> None:
    app = build(TAGLINE_ADMIN_TOKEN=TOKEN, LLM_MODEL="gpt-4o-mini")
    with app.open():
        numbers = [
            app.host.open_issue(app.repo, TITLE, f"{BODY} Attempt {n}.", author=f"author-{n}")
            for n in range(ISSUES)
        ]
        for job in [delivery.job for delivery in app.host.deliveries if delivery.job]:
            assert app.wait_for_end(job).state == "done"
        with logged_in(app.url) as admin:
            page = admin.get().text
        text = read_text(page)
        assert [int(number) for number in re.findall(ANSWERED, text)] == [ISSUES, ISSUES]
        for number in numbers:
            assert f"{app.ref(number)} answered by model" in text
        assert text.count("Set bug by model") == ISSUES
        assert "unknown" not in text
        assert text.count("As a table") == 3  # nobody has judged a label yet
        for word in ("Firefox", "exception", "author-"):
            assert word not in page
        today = redis_keys.DAY_COUNTS.format(day=int(time.time() // 86_400))
        assert app.redis.hget(today, "answered model") == b"20"


def test_a_pause_holds_new_jobs_until_resume_and_check_and_metrics_say_so(
    build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bot.queue.periodic.EVERY_SECONDS", 0.2)
    monkeypatch.setattr("bot.store.metrics.EVERY_SECONDS", 0.1)
    app = build(TAGLINE_ADMIN_TOKEN=TOKEN)
    with app.open(), logged_in(app.url) as admin:
        assert app.comments(app.issue()) != []
        admin.post("pause")
        app.wait(lambda: read_gauges(app)["paused",])
        time.sleep(1.1)  # a worker reads the mark once a second
        number = app.host.open_issue(app.repo, TITLE, f"{BODY} Once more.", author="ann")
        time.sleep(1.0)
        assert app.comments(number) == []
        assert read_gauges(app)["queue_jobs", "waiting"] == 1
        result = tagline("check", "--json", cwd=tmp_path, environment=app.environ)
        found = {line["what"]: line["fix"] for line in json.loads(result.stdout)["findings"]}
        assert "Resume" in found["all workers are paused on the admin page: jobs wait"]
        admin.post("resume")
        wait_until(lambda: len(app.comments(number)) == 1)
        assert read_gauges(app)["paused",] == 0


def test_a_job_that_was_given_up_is_retried_by_its_button(build: Build) -> None:
    app = build(TAGLINE_ADMIN_TOKEN=TOKEN)
    with app.open(), logged_in(app.url) as admin:
        app.box.fault("forge-https", times=None)
        number = app.issue()
        job = app.wait_for_end()
        assert job.state == "dead"
        app.box.clear_faults()
        assert f"Retry {app.ref(number)}" in admin.get().text
        assert "Queued again" in admin.post("retry", job=job.id).text
        wait_until(lambda: len(app.comments(number)) == 1)
        assert "None: no job was given up" in read_text(admin.get().text)
