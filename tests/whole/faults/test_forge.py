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
from bot.sandbox.github.faults import refuse
from bot.wiring import JOB_SECONDS
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
    house: App, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = PASSING[case]
    monkeypatch.setattr("bot.forges.requests.CALL_SECONDS", passing.call_seconds)
    monkeypatch.setattr("bot.sandbox.forge_faults.SLOW_SECONDS", 0.3)
    monkeypatch.setattr("bot.flow.publish.LOOK_AGAIN_SECONDS", passing.looks)
    for fault in passing.labels:
        house.strike(fault, "labels")
    for fault in passing.comments:
        house.strike(fault, "comments")
    number = house.issue(labels=["documentation"])
    job = house.over()
    assert (job.state, job.outcome) == ("done", "answered")
    answered(house, number, "documentation")
    assert posted(house) == passing.posts
    assert job.tries <= passing.tries
    assert house.box.faults.armed == []


def test_f058_f064_one_call_ends_within_15_seconds_and_a_job_within_five_minutes() -> None:
    assert CALL_SECONDS <= 15
    assert JOB_SECONDS <= 300


def test_f048_a_token_that_expires_in_mid_job_is_minted_again(house: App) -> None:
    house.strike("token-expired", "labels")
    house.strike("token-expired", "comments")
    number = house.issue(labels=["documentation"])
    job = house.over()
    assert (job.outcome, job.tries) == ("answered", 1)
    answered(house, number, "documentation")


@pytest.mark.parametrize("place", PLACES)
def test_f047_refused_credentials_are_a_dead_letter_that_names_them(house: App, place: str) -> None:
    """An App gets one new token a try, because GitHub may not know the last one everywhere yet."""
    house.strike("forge-401", place, None)
    number = house.issue(labels=["documentation"])
    job = house.over()
    assert job.state == "dead"
    (error,) = house.events("gave up; kept as a dead letter")
    assert {"github": "GITHUB_APP_ID", "gitlab": "GITLAB_TOKEN"}[house.on] in error["why"]
    house.wait(lambda: house.redis.zcard("tagline:issues.XQ") == 1 or None)
    struck = [e for e in house.host.writes(house.repo) if e.fault]
    assert len(struck) == {"github": 2 * MAX_TRIES, "gitlab": 1}[house.on]
    assert house.comments(number) == []
    assert "documentation" in house.labels(number)
    house.box.clear_faults()
    house.host.redeliver(house.opened.id)  # its claim was given back
    house.over()
    answered(house, number, "documentation")


# The fault on each host, and the seconds for which it asks.
LIMITS = {
    "f051-used-up": {"github": ("github-403-exhausted", 300), "gitlab": ("gitlab-429-reset", 60)},
    "f056-429": {"github": ("forge-429", 60), "gitlab": ("forge-429", 60)},
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_forge_that_asks_to_wait_is_waited_for(house: App, limit: str) -> None:
    _waits(house, *LIMITS[limit][house.on])


def test_f050_a_secondary_limit_pauses_the_installation(house: App) -> None:
    _waits(house, "github-403-secondary", 60)


def _waits(house: App, fault: str, seconds: int) -> None:
    house.strike(fault, "comments", None)
    number = house.issue(labels=["documentation"])
    assert house.ended().state == "waiting"
    (waits,) = house.events("error, tried again later")
    assert seconds - 10 <= waits["seconds"] <= seconds * 1.2 + 5
    house.box.clear_faults()
    known = len(house.host.exchanges)
    assert house.again().state == "waiting"
    assert house.host.exchanges[known:] == [], "the whole installation pauses"
    house.a_minute_passes()
    assert house.again().outcome == "answered"
    answered(house, number, "documentation")


FINAL = {
    "f049-403-not-accessible": ("forge-403-permission", 1),
    "f052-404-gone": ("forge-404", 3),
    "f054-410-deleted": ("forge-410", 1),
    "f055-422-invalid": ("forge-422", 1),
}


@pytest.mark.parametrize("case", FINAL)
def test_a_comment_that_is_refused_for_good_is_an_end_and_no_error(house: App, case: str) -> None:
    fault, posts = FINAL[case]
    house.strike(fault, "comments", None)
    number = house.issue(labels=["documentation"])
    job = house.over()
    assert (job.state, job.outcome, posted(house)) == ("done", "skipped", posts)
    assert job.why
    assert house.comments(number) == []
    assert "documentation" in house.labels(number)
    assert [e for e in house.events() if e["level"] == "error"] == []


# Which label is refused, and how; the others and the comment stay.
@pytest.mark.parametrize("status", [404, 422], ids=["f062-404", "f062-422"])
def test_one_label_that_is_refused_keeps_the_others_and_the_comment(
    house: App, status: int
) -> None:
    async def refusing(call: Call) -> Response:
        body = json.loads(call.body)
        asked = body.get("labels") or body.get("add_labels") or []
        return refuse(status) if "bug" in asked else await call.act()

    house.strike("labels-422", "labels")
    (armed,) = house.box.faults.armed
    row = Fault("one-label", armed.fault.side, "one label is refused", refusing, armed.fault.on)
    house.box.faults.armed[:] = [Armed(row, None, None)]
    number = house.issue(labels=["documentation"])
    assert house.over().outcome == "answered"
    assert sorted(house.labels(number)) == ["area/login", "documentation"]
    (comment,) = house.comments(number)
    assert "Suggested, not applied: `bug`" in comment.body


@pytest.mark.parametrize("fault", ["labels-403", "labels-422"], ids=["f063-403", "f063-422"])
def test_labels_that_may_not_be_set_are_suggested(house: App, fault: str) -> None:
    house.strike(fault, "labels", None)
    number = house.issue(labels=["documentation"])
    assert house.over().outcome == "answered"
    (comment,) = house.comments(number)
    assert "Suggested, not applied: " in comment.body
    assert "`bug`" in comment.body
    assert house.labels(number) == ["documentation"]


def test_f061_a_repository_renamed_before_the_writes_is_followed_by_its_number(
    house: App,
) -> None:
    before, renamed = house.repo, f"{house.repo}-renamed"
    with house.meanwhile(lambda: house.host.rename_repo(before, renamed)):
        number = house.host.open_issue(before, TITLE, BODY, labels=["documentation"])
        assert house.over().outcome == "answered"
    house.repo = renamed
    answered(house, number, "documentation")
    assert house.box.leaks == []


def test_f061_a_redirect_to_another_host_is_not_followed(house: App) -> None:
    async def elsewhere(_: Call) -> Response:
        return Response(status_code=307, headers={"Location": f"{house.box.url}/sandbox/elsewhere"})

    house.strike("comment-502", "comments")
    (armed,) = house.box.faults.armed
    row = Fault("moved", armed.fault.side, "307 to another host", elsewhere, armed.fault.on)
    house.box.faults.armed[:] = [Armed(row, None, None)]
    number = house.issue()
    assert house.over().outcome == "skipped"
    assert house.comments(number) == []
    assert house.box.leaks == []
