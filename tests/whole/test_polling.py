"""Polling without any webhook; `faults/test_polled_scenarios.py` has the scenarios of webhooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from bot.sandbox.state import MAINTAINER
from tests.simulation import Sandbox
from tests.whole.app import BODY, TITLE, App
from tests.whole.periodic import PeriodicTasks
from tests.whole.polling import PollingApp
from tests.whole.test_commands import STRANGER, prefix
from tests.whole.test_corrections import NO_APP, answered, stats


@pytest.fixture(autouse=True)
def compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare labels also where the bot has written some just now: its jobs have ended."""
    monkeypatch.setattr("bot.core.polling.IN_FLIGHT_SECONDS", 0.0)


@pytest.fixture
def app(box: Sandbox, clean: str, host: str, short_waits: None) -> Iterator[PollingApp]:
    with opened(PollingApp(box, clean, on=host)) as app:
        yield app


@contextmanager
def opened(app: PollingApp, *, worker: bool = True) -> Iterator[PollingApp]:
    with app.open(worker=worker):
        yield app
    app.clients.close()


@pytest.fixture
def app_either_format(app: PollingApp) -> App:
    return app


def test_an_issue_is_answered_without_any_delivery(app: PollingApp) -> None:
    number = app.issue()
    assert len(app.comments(number)) == 1
    assert "bug" in app.labels(number)
    app.host.settle()
    # The list may have late deliveries of another test's repository.
    assert [one for one in app.host.deliveries if f'"{app.repo}"'.encode() in one.body] == []


def test_polling_begins_at_the_present(app: PollingApp) -> None:
    app.redis.flushdb()
    old = app.host.open_issue(app.repo, TITLE, BODY, created_at=time.time() - 3600)
    assert app.poll() == []
    new = app.host.open_issue(app.repo, TITLE, f"{BODY} Again.")
    app.wait_for_end()
    assert [len(app.comments(number)) for number in (old, new)] == [0, 1]
    assert app.labels(old) == []
    app.redis.delete("tagline:lease:sweep", "tagline:lease:deliveries")
    PeriodicTasks(app, app.clients).reconcile()  # nor does the search for lost issues answer it
    assert app.comments(old) == []


def test_after_a_flush_of_redis_nothing_is_doubled(app: PollingApp) -> None:
    app.configure("on: [opened, edited]")
    number = app.issue(created_at=time.time() - 60)
    labels = app.labels(number)
    app.redis.flushdb()
    assert app.poll() == []
    app.host.edit_issue(app.repo, number, body=f"{BODY} And in Chrome.")
    app.wait_for_end()
    assert len(app.comments(number)) == 1
    assert app.labels(number) == labels


def test_what_the_bot_writes_starts_no_job(app: PollingApp) -> None:
    app.issue()
    schedule = app.make_schedule()
    for _ in range(3):
        assert app.poll(schedule) == []


def test_with_a_personal_token_only_the_person_s_own_changes_start_a_job(
    box: Sandbox, clean: str, host: str, tmp_path: Path
) -> None:
    token = box.gitlab.access.issue("glpat-of-a-person", MAINTAINER).text
    tokens = {"GITHUB_TOKEN": box.token, **NO_APP}
    environment = tokens if host == "github" else {"GITLAB_TOKEN": token}
    login = box.token_login if host == "github" else MAINTAINER
    with opened(PollingApp(box, clean, environment=environment, on=host)) as app:
        number = answered(app)
        assert app.poll() == []
        assert stats(app, tmp_path)["corrections"] == []
        app.host.unlabel_by_person(app.repo, number, "bug", login=login)
        assert app.wait_for_end().why == "1 removed, 1 kept"
        assert app.labels(number) == ["area/login"]


@pytest.mark.parametrize("first", ["webhook", "polling"])
def test_webhooks_and_polling_together_are_one_job(
    box: Sandbox, clean: str, host: str, first: str
) -> None:
    secrets = {
        "GITHUB_WEBHOOK_SECRET": box.webhook_secret,
        "GITLAB_SIGNING_TOKEN": box.gitlab.signing_token or "",
    }
    with opened(PollingApp(box, clean, environment=secrets, on=host), worker=False) as app:
        App.point_hooks_at(app, app.url)
        number = app.host.open_issue(app.repo, TITLE, BODY, deliver=first == "webhook")
        polled = app.poll()
        if first == "polling":
            app.deliver_opened(number)
        assert polled == [app.host.opened.job]
        with app.running_worker():
            app.wait_for_end(polled[0])
            app.host.settle()
        assert len(app.comments(number)) == 1
        assert [event["kind"] for event in app.events("starting enrichment")] == ["opened"]


def test_an_edit_and_a_reopening_are_answered_where_the_repository_wants_it(
    app: PollingApp,
) -> None:
    app.configure("on: [opened, edited, reopened]")
    number = app.issue("Question about colours", "Is there a dark theme?")
    (comment,) = app.comments(number)
    before = comment.body
    app.host.edit_issue(app.repo, number, title=TITLE, body=BODY)
    assert app.wait_for_end().outcome == "answered"
    (comment,) = app.comments(number)
    assert comment.body != before
    app.host.close_issue(app.repo, number)
    assert app.poll() == []
    app.host.reopen_issue(app.repo, number)
    (job,) = app.poll()
    assert app.wait_for_end(job).outcome == "unchanged"
    assert len(app.comments(number)) == 1


def test_a_repository_that_is_renamed_is_polled_under_its_new_name(app: PollingApp) -> None:
    schedule = app.make_schedule()
    app.poll(schedule)
    app.host.rename_repo(app.repo, new := f"{app.repo}-new")
    for one in schedule._polled.values():
        one.due = 0.0
    number = app.host.open_issue(new, TITLE, BODY)
    (job,) = app.poll(schedule)
    assert app.wait_for_end(job).outcome == "answered"
    restarted = app.make_schedule()  # TAGLINE_POLL_REPOS has the former name
    assert app.poll(restarted) == []
    assert "problems" not in app.report
    app.repo = new
    assert len(app.comments(number)) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"archived": True}, "it is archived: nothing can be written"),
        ({"has_issues": False}, "its issues are turned off"),
    ],
)
def test_a_repository_that_cannot_be_polled_is_told_with_the_reason(
    box: Sandbox, clean: str, host: str, change: dict[str, bool], told: str
) -> None:
    with opened(PollingApp(box, clean, on=host), worker=False) as app:
        for name, value in change.items():
            setattr(app.host.state.repo(app.repo), name, value)
        assert app.poll() == []
        (problem,) = cast("list[str]", app.report["problems"])
    assert problem.startswith(f"{app.on}:{app.repo}: ")
    assert told in problem


def test_commands_in_comments_are_carried_out(app: PollingApp) -> None:
    name = prefix(app)
    number = app.issue()
    assert app.poll() == []
    stranger = app.host.comment_by_person(app.repo, number, f"{name} undo", login=STRANGER)
    assert app.wait_for_end().outcome == "skipped"
    comment = app.host.comment_by_person(app.repo, number, f"Please explain.\n\n{name} why")
    job = app.poll()[-1]
    assert app.wait_for_end(job).why == "why: explained"
    assert [app.host.reactions(app.repo, one) for one in (stranger, comment)] == [[], ["eyes"]]
    (own,) = app.comments(number)
    assert "Decision record" in own.body
    app.host.edit_comment_by_person(app.repo, comment, f"{name} undo")
    assert app.poll() == []
