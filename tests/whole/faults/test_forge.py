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
from bot.wiring_jobs import JOB_SECONDS
from tests.simulation.forge_faults import refuse
from tests.whole.app import App
from tests.whole.faults.conftest import assert_answered, count_posts

TARGETS = ("comments", "labels")


@dataclass(frozen=True)
class TemporaryFaults:
    """Faults on labels, then on the comment; `posts` is the number of requests for a comment."""

    labels: tuple[str, ...]
    comments: tuple[str, ...]
    tries: int = 2
    posts: int = 1
    call_seconds: float = CALL_SECONDS
    look_again: tuple[float, ...] = (0.01, 0.02)

    @classmethod
    def twice(cls, fault: str, **more: Any) -> TemporaryFaults:
        return cls((fault,), (fault,), **more)


# A write that was done without a response is adopted within the same try: one request.
TEMPORARY = {
    "f053-404-right-after-creation": TemporaryFaults.twice("forge-404", tries=3, posts=2),
    "f057-500-502-503": TemporaryFaults(
        ("forge-500",), ("forge-502", "forge-503"), tries=4, posts=3
    ),
    "f058-timeout-after-it-was-done": TemporaryFaults.twice(
        "comment-stored-timeout", call_seconds=0.2
    ),
    "f059-reset-after-it-was-sent": TemporaryFaults.twice("comment-stored-reset"),
    "f060-201-that-is-no-json": TemporaryFaults.twice("comment-stored-not-json"),
    "f064-slow": TemporaryFaults.twice("forge-slow", call_seconds=0.2, look_again=(0.01, 0.3, 0.5)),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", TEMPORARY)
def test_a_forge_that_fails_temporarily_gets_one_comment(
    app: App, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = TEMPORARY[case]
    monkeypatch.setattr("bot.forges.requests.CALL_SECONDS", faults.call_seconds)
    monkeypatch.setattr("bot.sandbox.demo_faults.SLOW_SECONDS", 0.3)
    monkeypatch.setattr("bot.flow.publish.LOOK_AGAIN_SECONDS", faults.look_again)
    for fault in faults.labels:
        app.arm_fault(fault, "labels")
    for fault in faults.comments:
        app.arm_fault(fault, "comments")
    number = app.issue(labels=["documentation"])
    job = app.wait_for_end()
    assert (job.state, job.outcome) == ("done", "answered")
    assert_answered(app, number, "documentation")
    assert count_posts(app) == faults.posts
    assert job.tries <= faults.tries
    assert app.box.faults.armed == []


def test_f058_f064_one_call_ends_within_15_seconds_and_a_job_within_five_minutes() -> None:
    assert CALL_SECONDS <= 15
    assert JOB_SECONDS <= 300


def test_f048_a_token_that_expires_during_a_job_is_replaced(app: App) -> None:
    app.arm_fault("token-expired", "issues")  # the first request
    app.arm_fault("token-expired", "labels")
    app.arm_fault("token-expired", "comments")
    number = app.issue(labels=["documentation"])
    job = app.wait_for_end()
    assert (job.outcome, job.tries) == ("answered", 1)
    assert_answered(app, number, "documentation")


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_f047_refused_credentials_are_a_dead_letter_that_names_them(app: App, target: str) -> None:
    """An App gets one new token per try: GitHub may not accept the last one everywhere yet."""
    app.arm_fault("forge-401", target, None)
    number = app.issue(labels=["documentation"])
    job = app.wait_for_end()
    assert job.state == "dead"
    (error,) = app.events("gave up; kept as a dead letter")
    assert {"github": "GITHUB_APP_ID", "gitlab": "GITLAB_TOKEN"}[app.on] in error["why"]
    app.wait(lambda: app.redis.zcard("tagline:issues.XQ") == 1)
    failed = [e for e in app.host.writes(app.repo) if e.fault]
    assert len(failed) == {"github": 2 * MAX_TRIES, "gitlab": 1}[app.on]
    assert app.comments(number) == []
    assert "documentation" in app.labels(number)
    app.box.clear_faults()
    app.host.redeliver(app.opened.id)  # its claim was released
    app.wait_for_end()
    assert_answered(app, number, "documentation")


# The fault on each host, and the seconds that it asks to wait.
LIMITS = {
    "f051-used-up": {"github": ("github-403-exhausted", 300), "gitlab": ("gitlab-429-reset", 60)},
    "f056-429": {"github": ("forge-429", 60), "gitlab": ("forge-429", 60)},
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_job_waits_as_long_as_the_forge_asks(app: App, limit: str) -> None:
    _check_pause(app, *LIMITS[limit][app.on])


def test_f050_a_secondary_limit_pauses_the_installation(app: App) -> None:
    _check_pause(app, "github-403-secondary", 60)


def _check_pause(app: App, fault: str, seconds: int) -> None:
    app.arm_fault(fault, "comments", None)
    number = app.issue(labels=["documentation"])
    assert app.wait_for_job().state == "waiting"
    (event,) = app.events("error, tried again later")
    assert seconds - 10 <= event["seconds"] <= seconds * 1.2 + 5
    app.box.clear_faults()
    start = len(app.host.exchanges)
    assert app.deliver_again().state == "waiting"
    assert app.host.exchanges[start:] == [], "the whole installation pauses"
    app.expire_pauses()
    assert app.deliver_again().outcome == "answered"
    assert_answered(app, number, "documentation")


FINAL = {
    "f049-403-not-accessible": ("forge-403", 1),
    "f052-404-gone": ("forge-404", 3),
    "f054-410-deleted": ("forge-410", 1),
    "f055-422-invalid": ("forge-422", 1),
}


@pytest.mark.parametrize("case", FINAL)
def test_a_comment_that_is_refused_for_good_ends_the_job_without_an_error(
    app: App, case: str
) -> None:
    fault, posts = FINAL[case]
    app.arm_fault(fault, "comments", None)
    number = app.issue(labels=["documentation"])
    job = app.wait_for_end()
    assert (job.state, job.outcome, count_posts(app)) == ("done", "skipped", posts)
    assert job.why
    assert app.comments(number) == []
    assert "documentation" in app.labels(number)
    assert [e for e in app.events() if e["level"] == "error"] == []


@pytest.mark.parametrize("status", [404, 422], ids=["f062-404", "f062-422"])
def test_one_refused_label_prevents_neither_the_others_nor_the_comment(
    app: App, status: int
) -> None:
    async def refusing(call: Call) -> Response:
        body = json.loads(call.body)
        labels = body.get("labels") or body.get("add_labels") or []
        return refuse("github", status) if "bug" in labels else await call.act()

    app.arm_fault("forge-422", "labels")
    (armed,) = app.box.faults.armed
    row = Fault("one-label", armed.fault.side, "one label is refused", refusing, armed.fault.on)
    app.box.faults.armed[:] = [Armed(row, None, None)]
    number = app.issue(labels=["documentation"])
    assert app.wait_for_end().outcome == "answered"
    assert sorted(app.labels(number)) == ["area/login", "documentation"]
    (comment,) = app.comments(number)
    assert "Suggested, not applied: `bug`" in comment.body


@pytest.mark.parametrize("fault", ["forge-403", "forge-422"], ids=["f063-403", "f063-422"])
def test_labels_that_may_not_be_set_are_suggested(app: App, fault: str) -> None:
    app.arm_fault(fault, "labels", None)
    number = app.issue(labels=["documentation"])
    assert app.wait_for_end().outcome == "answered"
    (comment,) = app.comments(number)
    assert "Suggested, not applied: " in comment.body
    assert "`bug`" in comment.body
    assert app.labels(number) == ["documentation"]
    (event,) = app.events("labels refused by the forge")
    assert (event["level"], event["labels"]) == ("warning", ["bug", "area/login"])


def test_f061_a_redirect_to_another_host_is_not_followed(app: App) -> None:
    async def elsewhere(_: Call) -> Response:
        return Response(status_code=307, headers={"Location": f"{app.box.url}/sandbox/elsewhere"})

    app.arm_fault("forge-502", "comments")
    (armed,) = app.box.faults.armed
    row = Fault("moved", armed.fault.side, "307 to another host", elsewhere, armed.fault.on)
    app.box.faults.armed[:] = [Armed(row, 2, None)]
    number = app.issue()
    assert app.wait_for_end().tries == 3
    assert len(app.comments(number)) == 1
    assert app.box.leaks == []


def test_a_server_that_names_no_app_gets_no_second_comment(app: App) -> None:
    app.box.fault("github-app-unnamed", times=None)
    number = app.issue()
    assert app.wait_for_end().outcome == "answered"
    app.host.comment_by_person(app.repo, number, "A person writes too.")
    app.redis.flushall()
    start = len(app.host.exchanges)
    app.deliver_opened(number)
    assert app.wait_for_end().outcome == "unchanged"
    assert len(app.comments(number)) == 1
    paths = [exchange.path for exchange in app.host.exchanges[start:]]
    assert paths.count("/app") <= 1


VARIABLES = {"github": "GITHUB_API_URL", "gitlab": "GITLAB_URL"}


def test_a_server_that_redirects_to_https_skips_no_issue(app: App) -> None:
    app.box.fault("forge-https", times=None)
    number = app.issue()
    assert app.wait_for_end().state == "dead"
    (error,) = app.events("gave up; kept as a dead letter")
    variable, url = VARIABLES[app.on], app.settings
    address = {"github": url.github_api_url, "gitlab": url.gitlab_url}[app.on]
    address = address.replace("http://", "https://")
    assert f"{variable}: the server redirects to {address}: set {variable}" in error["why"]
    app.box.clear_faults()
    app.host.redeliver(app.opened.id)
    assert app.wait_for_end().outcome == "answered"
    assert len(app.comments(number)) == 1


@pytest.mark.parametrize("fault", ["forge-web-page", "forge-sign-in"])
def test_an_address_that_is_not_the_api_s_is_named_and_tried_again(app: App, fault: str) -> None:
    app.box.fault(fault, times=2)
    number = app.issue()
    assert app.wait_for_end().outcome == "answered"
    assert len(app.comments(number)) == 1
    events = app.events("error, tried again later")
    assert events
    assert all(e["why"].startswith(f"{VARIABLES[app.on]}: the server ") for e in events)
    assert app.events("unexpected error") == []


def test_the_forge_s_reason_for_a_refusal_is_a_warning(app: App) -> None:
    app.box.fault("forge-403-address", times=None)
    app.issue()
    assert app.wait_for_end().outcome == "skipped"
    (event,) = app.events("refused by the forge")
    assert event["level"] == "warning"
    assert "your IP address is not permitted" in event["why"]
    assert app.events("nothing to do") == []
