"""f047 to f064: the forge fails while a comment or labels are written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.responses import Response

from bot.forges.requests import CALL_SECONDS
from bot.queue.actors import MAX_TRIES
from bot.sandbox.faults import Armed, Call, Fault
from bot.wiring import JOB_SECONDS
from tests.simulation.forge_faults import refuse
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults.conftest import answered, posted

PLACES = ("comments", "labels")


@dataclass(frozen=True)
class Passing:
    """Faults that strike the labels, then the comment; `posts` = requests for a comment in all."""

    labels: tuple[str, ...]
    comments: tuple[str, ...]
    tries: int = 2
    posts: int = 1
    call_seconds: float = CALL_SECONDS
    looks: tuple[float, ...] = (0.01, 0.02)

    @classmethod
    def twice(cls, fault: str, **more: Any) -> Passing:
        return cls((fault,), (fault,), **more)


# What was done without an answer is adopted within the same try: one request, no second comment.
PASSING = {
    "f053-404-right-after-creation": Passing.twice("forge-404", tries=3, posts=2),
    "f057-500-502-503": Passing(("forge-500",), ("forge-502", "forge-503"), tries=4, posts=3),
    "f058-timeout-after-it-was-done": Passing.twice("comment-stored-timeout", call_seconds=0.2),
    "f059-reset-after-it-was-sent": Passing.twice("comment-stored-reset"),
    "f060-201-that-is-no-json": Passing.twice("comment-stored-not-json"),
    "f064-slow": Passing.twice("forge-slow", call_seconds=0.2, looks=(0.01, 0.3, 0.5)),
}


@pytest.mark.parametrize("case", PASSING)
def test_a_forge_that_fails_for_a_while_gets_one_comment(
    app: App, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = PASSING[case]
    monkeypatch.setattr("bot.forges.requests.CALL_SECONDS", passing.call_seconds)
    monkeypatch.setattr("bot.sandbox.demo_faults.SLOW_SECONDS", 0.3)
    monkeypatch.setattr("bot.flow.publish.LOOK_AGAIN_SECONDS", passing.looks)
    for fault in passing.labels:
        app.strike(fault, "labels")
    for fault in passing.comments:
        app.strike(fault, "comments")
    number = app.issue(labels=["documentation"])
    job = app.over()
    assert (job.state, job.outcome) == ("done", "answered")
    answered(app, number, "documentation")
    assert posted(app) == passing.posts
    assert job.tries <= passing.tries
    assert app.box.faults.armed == []


def test_f058_f064_one_call_ends_within_15_seconds_and_a_job_within_five_minutes() -> None:
    assert CALL_SECONDS <= 15
    assert JOB_SECONDS <= 300


def test_f048_a_token_that_expires_in_mid_job_is_minted_again(app: App) -> None:
    app.strike("token-expired", "labels")
    app.strike("token-expired", "comments")
    number = app.issue(labels=["documentation"])
    job = app.over()
    assert (job.outcome, job.tries) == ("answered", 1)
    answered(app, number, "documentation")


@pytest.mark.parametrize("place", PLACES)
def test_f047_refused_credentials_are_a_dead_letter_that_names_them(app: App, place: str) -> None:
    """An App gets one new token a try, because GitHub may not know the last one everywhere yet."""
    app.strike("forge-401", place, None)
    number = app.issue(labels=["documentation"])
    job = app.over()
    assert job.state == "dead"
    (error,) = app.events("gave up; kept as a dead letter")
    assert {"github": "GITHUB_APP_ID", "gitlab": "GITLAB_TOKEN"}[app.on] in error["why"]
    app.wait(lambda: app.redis.zcard("tagline:issues.XQ") == 1 or None)
    struck = [e for e in app.host.writes(app.repo) if e.fault]
    assert len(struck) == {"github": 2 * MAX_TRIES, "gitlab": 1}[app.on]
    assert app.comments(number) == []
    assert "documentation" in app.labels(number)
    app.box.clear_faults()
    app.host.redeliver(app.opened.id)  # its claim was given back
    app.over()
    answered(app, number, "documentation")


# The fault on each host, and the seconds for which it asks.
LIMITS = {
    "f051-used-up": {"github": ("github-403-exhausted", 300), "gitlab": ("gitlab-429-reset", 60)},
    "f056-429": {"github": ("forge-429", 60), "gitlab": ("forge-429", 60)},
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_forge_that_asks_to_wait_is_waited_for(app: App, limit: str) -> None:
    _waits(app, *LIMITS[limit][app.on])


def test_f050_a_secondary_limit_pauses_the_installation(app: App) -> None:
    _waits(app, "github-403-secondary", 60)


def _waits(app: App, fault: str, seconds: int) -> None:
    app.strike(fault, "comments", None)
    number = app.issue(labels=["documentation"])
    assert app.ended().state == "waiting"
    (waits,) = app.events("error, tried again later")
    assert seconds - 10 <= waits["seconds"] <= seconds * 1.2 + 5
    app.box.clear_faults()
    known = len(app.host.exchanges)
    assert app.again().state == "waiting"
    assert app.host.exchanges[known:] == [], "the whole installation pauses"
    app.a_minute_passes()
    assert app.again().outcome == "answered"
    answered(app, number, "documentation")


FINAL = {
    "f049-403-not-accessible": ("forge-403-permission", 1),
    "f052-404-gone": ("forge-404", 3),
    "f054-410-deleted": ("forge-410", 1),
    "f055-422-invalid": ("forge-422", 1),
}


@pytest.mark.parametrize("case", FINAL)
def test_a_comment_that_is_refused_for_good_is_an_end_and_no_error(app: App, case: str) -> None:
    fault, posts = FINAL[case]
    app.strike(fault, "comments", None)
    number = app.issue(labels=["documentation"])
    job = app.over()
    assert (job.state, job.outcome, posted(app)) == ("done", "skipped", posts)
    assert job.why
    assert app.comments(number) == []
    assert "documentation" in app.labels(number)
    assert [e for e in app.events() if e["level"] == "error"] == []


# Which label is refused, and how; the others and the comment stay.
@pytest.mark.parametrize("status", [404, 422], ids=["f062-404", "f062-422"])
def test_one_label_that_is_refused_keeps_the_others_and_the_comment(app: App, status: int) -> None:
    async def refusing(call: Call) -> Response:
        body = json.loads(call.body)
        asked = body.get("labels") or body.get("add_labels") or []
        return refuse("github", status) if "bug" in asked else await call.act()

    app.strike("labels-422", "labels")
    (armed,) = app.box.faults.armed
    row = Fault("one-label", armed.fault.side, "one label is refused", refusing, armed.fault.on)
    app.box.faults.armed[:] = [Armed(row, None, None)]
    number = app.issue(labels=["documentation"])
    assert app.over().outcome == "answered"
    assert sorted(app.labels(number)) == ["area/login", "documentation"]
    (comment,) = app.comments(number)
    assert "Suggested, not applied: `bug`" in comment.body


@pytest.mark.parametrize("fault", ["labels-403", "labels-422"], ids=["f063-403", "f063-422"])
def test_labels_that_may_not_be_set_are_suggested(app: App, fault: str) -> None:
    app.strike(fault, "labels", None)
    number = app.issue(labels=["documentation"])
    assert app.over().outcome == "answered"
    (comment,) = app.comments(number)
    assert "Suggested, not applied: " in comment.body
    assert "`bug`" in comment.body
    assert app.labels(number) == ["documentation"]


def test_f061_a_repository_renamed_before_the_writes_is_followed_by_its_number(
    app: App,
) -> None:
    before, renamed = app.repo, f"{app.repo}-renamed"
    with app.meanwhile(lambda: app.host.rename_repo(before, renamed)):
        number = app.host.open_issue(before, TITLE, BODY, labels=["documentation"])
        assert app.over().outcome == "answered"
    app.repo = renamed
    answered(app, number, "documentation")
    assert app.box.leaks == []


def test_f061_a_redirect_to_another_host_is_not_followed(app: App) -> None:
    async def elsewhere(_: Call) -> Response:
        return Response(status_code=307, headers={"Location": f"{app.box.url}/sandbox/elsewhere"})

    app.strike("comment-502", "comments")
    (armed,) = app.box.faults.armed
    row = Fault("moved", armed.fault.side, "307 to another host", elsewhere, armed.fault.on)
    app.box.faults.armed[:] = [Armed(row, None, None)]
    number = app.issue()
    assert app.over().outcome == "skipped"
    assert app.comments(number) == []
    assert app.box.leaks == []
