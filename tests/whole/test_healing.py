"""What fell back is healed in place, and what was missed is found, over HTTP and a real Redis."""

from __future__ import annotations

import time

from bot.flow.reconcile import MIN_AGE_SECONDS
from bot.http import ClientPool
from tests.whole.app import BODY, TITLE, App
from tests.whole.conftest import Build
from tests.whole.outage import Outage
from tests.whole.test_calls import Call, kinds

ISSUES = {
    "github": ("GET", "/repos/{owner}/{repo}/issues", "direction page per_page sort state", ""),
    "gitlab": (
        "GET",
        "/api/v4/projects/{project}/issues",
        "confidential created_after created_before order_by page per_page sort state",
        "",
    ),
}
SWEEP: dict[str, set[Call]] = {
    "github": {ISSUES["github"], ("GET", "/app/hook/deliveries", "per_page", "")},
    "gitlab": {ISSUES["gitlab"]},
}
ISSUE = "/repos/{owner}/{repo}/issues/{number}"
HEALING: dict[str, set[Call]] = {
    "github": {
        ("GET", f"{ISSUE}/events", "page per_page", ""),
        ("DELETE", f"{ISSUE}/labels/needs-review", "", ""),
    },
    "gitlab": {
        (
            "GET",
            "/api/v4/projects/{project}/issues/{number}/resource_label_events",
            "page per_page",
            "",
        ),
        ("PUT", "/api/v4/projects/{project}/issues/{number}", "", "remove_labels"),
    },
}


def test_the_model_s_answer_takes_the_place_of_labels_from_rules(
    app: App, clients: ClientPool
) -> None:
    app.box.fault("model-400", times=None)
    number = app.issue()
    assert app.comments(number) == []
    assert "needs-review" in app.labels(number)
    kept = next(name for name in app.labels(number) if name != "needs-review")
    app.host.unlabel_by_person(app.repo, number, kept)
    app.host.label_by_person(app.repo, number, kept)
    app.box.clear_faults()
    known = len(app.host.exchanges)
    outage = Outage(app, clients)
    outage.heal()
    (comment,) = app.comments(number)
    assert comment.body.startswith("**Summary (automated):** ")
    assert "needs-review" not in app.labels(number)
    assert kept in app.labels(number)  # it is a person's now
    assert HEALING[app.on] <= kinds(app.host.exchanges[known:])
    outage.jobs.clear()
    outage.heal()
    assert outage.jobs == []


def test_nothing_is_said_on_an_issue_that_a_maintainer_has_answered(
    app: App, clients: ClientPool
) -> None:
    app.box.fault("model-400", times=None)
    number = app.issue()
    app.host.comment_by_person(app.repo, number, "Thank you, I am on it.")
    app.box.clear_faults()
    Outage(app, clients).heal()
    assert app.comments(number) == []
    assert "needs-review" not in app.labels(number)


def test_issues_that_redis_lost_are_found(app: App, clients: ClientPool) -> None:
    app.issue()
    old = time.time() - MIN_AGE_SECONDS - 60
    lost = [
        app.host.open_issue(app.repo, TITLE, f"{BODY} {n}", deliver=False, created_at=old)
        for n in range(3)
    ]
    young = app.host.open_issue(app.repo, TITLE, f"{BODY} now", deliver=False)
    known = len(app.host.exchanges)
    outage = Outage(app, clients)
    assert outage.sweep()["issues"] == 3
    assert [len(app.comments(number)) for number in lost] == [1, 1, 1]
    assert app.comments(young) == []
    assert SWEEP[app.on] <= kinds(app.host.exchanges[known:])
    outage.jobs.clear()
    assert outage.sweep() == {}


def test_work_items_that_the_door_leaves_alone_are_not_swept_up(
    app: App, clients: ClientPool
) -> None:
    app.issue()
    old = time.time() - MIN_AGE_SECONDS - 60
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False, created_at=old, type="Task")
    Outage(app, clients).sweep()
    assert (app.comments(number), app.labels(number)) == ([], [])


def test_a_delivery_that_nobody_took_is_asked_for_again(app: App, clients: ClientPool) -> None:
    app.issue()
    known = len(app.host.deliveries)
    endpoint, app.box.webhook_url = app.box.webhook_url, "http://127.0.0.1:1/webhooks/github"
    number = app.host.open_issue(app.repo, TITLE, f"{BODY} Unheard.")
    app.box.webhook_url = endpoint
    Outage(app, clients).sweep()
    app.wait(lambda: app.comments(number) or None)
    later = app.host.deliveries[known:]
    asked = [d for d in later if d.number == number and d.action == "opened"]
    assert [delivery.status for delivery in asked] == [0, 202]


def test_a_repository_that_was_renamed_since_is_found_by_its_number(build: Build) -> None:
    with build().open(at_work=False) as app:
        number = app.host.open_issue(app.repo, TITLE, BODY)
        app.host.rename_repo(app.repo, f"{app.repo}-renamed")
        app.repo += "-renamed"
        with app.working():
            assert app.end_of(str(app.opened.job)).outcome == "answered"
        assert len(app.comments(number)) == 1
