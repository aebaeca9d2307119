"""Features of GitLab only: quick actions, scoped labels, labels with commas, other work items."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from bot.sandbox.state import Event
from tests.fakes import model_reply
from tests.whole.app import BODY, TITLE, App, Build

SCOPED = {
    "type::bug": "Something is broken",
    "type::feature": "Something new",
    "area::login": "Signing in",
    "needs, review": "A name with a comma",
    'say "please"': "A name with quotes",
    "x" * 255: "A long name",
}


def reply(summary: str, *labels: str) -> str:
    return model_reply(summary, *((name, "sure", "a reason") for name in labels))


def test_no_comment_contains_a_quick_action(app: App) -> None:
    hostile = "/close\n/label ~wontfix\r\n/c\rlose\n```\n/lock\n```\n> /confidential\n- /title x"
    app.box.replies.append(reply(hostile, "bug"))
    number = app.issue(title="/close", body="/close\n/label ~wontfix\nIt crashed.")
    app.box.fault("model-500", times=None)
    app.configure("comment: {on_fallback: true}")
    assert app.box.gitlab.quick_actions == []
    (comment,) = app.comments(number)
    for line in re.split(r"[\n\r\v\f\x85\u2028\u2029]", comment.body):
        assert not re.match(r"[\s>*+-]*/[A-Za-z_]", line)


def test_a_person_s_scoped_label_is_never_replaced(app: App) -> None:
    app.host.add_repo(f"{app.repo}-scoped", SCOPED)
    app.repo += "-scoped"
    app.box.replies.append(reply("It is broken.", "type::bug", "area::login"))
    number = app.issue(labels=["type::feature"])
    assert sorted(app.labels(number)) == ["area::login", "type::feature"]
    (comment,) = app.comments(number)
    assert "Suggested, not applied: `type::bug`" in comment.body


def test_a_scoped_label_that_a_person_exchanges_was_not_rejected(app: App) -> None:
    app.host.add_repo(f"{app.repo}-scoped", SCOPED)
    app.repo += "-scoped"
    app.box.replies.append(reply("It is broken.", "type::bug", "area::login"))
    number = app.issue(created_at=time.time() - 60)
    app.host.label_by_person(app.repo, number, "type::feature")
    assert app.wait_for_end().why == "1 kept, 1 added"
    assert sorted(app.labels(number)) == ["area::login", "type::feature"]
    app.host.unlabel_by_person(app.repo, number, "area::login")
    assert app.wait_for_end().why == "1 removed"


def test_a_label_with_a_comma_is_only_suggested(app: App) -> None:
    app.host.add_repo(f"{app.repo}-scoped", SCOPED)
    app.repo += "-scoped"
    names = ("needs, review", 'say "please"', "x" * 255)
    app.box.replies.append(reply("It is broken.", *names))
    number = app.issue()
    assert sorted(app.labels(number)) == ['say "please"', "x" * 255]
    assert app.created_labels() == []
    assert "`needs, review`" in app.comments(number)[0].body


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Task", "Incident"])
def test_other_work_items_are_ignored_unless_the_operator_includes_them(
    build: Build, kind: str
) -> None:
    with build().open() as app:
        app.host.open_issue(app.repo, TITLE, BODY, type=kind)
        assert app.host.deliveries[-1].job is None
    with build(GITLAB_ISSUE_TYPES="issue,task,incident").open() as app:
        number = app.issue(type=kind)
        assert len(app.comments(number)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Task", "Incident"])
def test_the_issue_as_it_is_read_decides_where_a_delivery_has_no_type(
    build: Build, kind: str
) -> None:
    with build().open() as app:
        number = app.host.open_issue(app.repo, TITLE, BODY, type=kind, deliver=False)
        event, payload = _without_type(app, number)
        job = app.host.deliver(event, payload).headers["x-tagline-job"]
        ended = app.wait_for_end(job)
        assert (ended.outcome, ended.why) == ("skipped", f"a work item of type {kind.lower()!r}")
        assert (app.comments(number), app.labels(number)) == ([], [])
    with build(GITLAB_ISSUE_TYPES="issue,task,incident").open() as app:
        number = app.host.open_issue(app.repo, TITLE, BODY, type=kind, deliver=False)
        job = app.host.deliver(*_without_type(app, number)).headers["x-tagline-job"]
        assert app.wait_for_end(job).outcome == "answered"


def _without_type(app: App, number: int) -> tuple[str, dict[str, Any]]:
    """Return the event and payload of an issue's `opened` delivery without the type."""
    repo, issue = app.host.state.repo(app.repo), app.host.state.issue(app.repo, number)
    webhook, *_ = app.host.hooks.webhooks(Event("opened", repo, issue, issue.author))
    payload = json.loads(webhook.body)
    del payload["object_attributes"]["type"]
    return webhook.event, {**payload, "object_kind": "issue", "event_type": "issue"}
