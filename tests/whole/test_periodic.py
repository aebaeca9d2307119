"""Issues with labels from rules are retried, and missed issues are found."""

from __future__ import annotations

import time

from bot.flow.reconcile import MIN_AGE_SECONDS
from bot.http import ClientPool
from tests.whole.app import BODY, TITLE, App
from tests.whole.periodic import PeriodicTasks
from tests.whole.test_calls import Call, calls_of

ISSUES = {
    "github": ("GET", "/repos/{owner}/{repo}/issues", "direction page per_page sort state", ""),
    "gitlab": (
        "GET",
        "/api/v4/projects/{project}/issues",
        "confidential created_after created_before order_by page per_page sort state",
        "",
    ),
}
RECONCILE_CALLS: dict[str, set[Call]] = {
    "github": {ISSUES["github"], ("GET", "/app/hook/deliveries", "per_page", "")},
    "gitlab": {ISSUES["gitlab"]},
}
ISSUE = "/repos/{owner}/{repo}/issues/{number}"
RETRY_CALLS: dict[str, set[Call]] = {
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


def test_the_model_s_answer_replaces_labels_from_rules(app: App, clients: ClientPool) -> None:
    app.box.fault("model-400", times=None)
    number = app.issue()
    assert app.comments(number) == []
    assert "needs-review" in app.labels(number)
    kept = next(name for name in app.labels(number) if name != "needs-review")
    # Not delivered: the job of a change would hold the lock of the issue meanwhile.
    app.host.unlabel_by_person(app.repo, number, kept, deliver=False)
    app.host.label_by_person(app.repo, number, kept, deliver=False)
    app.box.clear_faults()
    start = len(app.host.exchanges)
    tasks = PeriodicTasks(app, clients)
    tasks.retry_fallbacks()
    (comment,) = app.comments(number)
    assert comment.body.startswith("**Summary (automated):** ")
    assert "needs-review" not in app.labels(number)
    assert kept in app.labels(number)  # a person set it
    assert RETRY_CALLS[app.on] <= calls_of(app.host.exchanges[start:])
    tasks.jobs.clear()
    tasks.retry_fallbacks()
    assert tasks.jobs == []


def test_issues_that_redis_lost_are_found(app: App, clients: ClientPool) -> None:
    app.issue()
    old = time.time() - MIN_AGE_SECONDS - 60
    missed = [
        app.host.open_issue(app.repo, TITLE, f"{BODY} {n}", deliver=False, created_at=old)
        for n in range(3)
    ]
    young = app.host.open_issue(app.repo, TITLE, f"{BODY} now", deliver=False)
    start = len(app.host.exchanges)
    tasks = PeriodicTasks(app, clients)
    assert tasks.reconcile()["issues"] == 3
    assert [len(app.comments(number)) for number in missed] == [1, 1, 1]
    assert app.comments(young) == []
    assert RECONCILE_CALLS[app.on] <= calls_of(app.host.exchanges[start:])
    tasks.jobs.clear()
    assert tasks.reconcile() == {}


def test_work_items_that_the_receiver_ignores_are_not_reconciled(
    app: App, clients: ClientPool
) -> None:
    app.issue()
    old = time.time() - MIN_AGE_SECONDS - 60
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False, created_at=old, type="Task")
    PeriodicTasks(app, clients).reconcile()
    assert (app.comments(number), app.labels(number)) == ([], [])


def test_a_failed_delivery_is_requested_again(app: App, clients: ClientPool) -> None:
    app.issue()
    start = len(app.host.deliveries)
    url, app.box.webhook_url = app.box.webhook_url, "http://127.0.0.1:1/webhooks/github"
    number = app.host.open_issue(app.repo, TITLE, f"{BODY} Undelivered.")
    app.box.webhook_url = url
    PeriodicTasks(app, clients).reconcile()
    app.wait(lambda: app.comments(number))
    deliveries = app.host.deliveries[start:]
    opened = [d for d in deliveries if d.number == number and d.action == "opened"]
    assert [delivery.status for delivery in opened] == [0, 202]


def test_a_failed_delivery_of_a_command_is_requested_again(app: App, clients: ClientPool) -> None:
    number = app.issue()
    url, app.box.webhook_url = app.box.webhook_url, "http://127.0.0.1:1/webhooks/github"
    comment = app.host.comment_by_person(app.repo, number, "/tagline undo")
    app.box.webhook_url = url
    PeriodicTasks(app, clients).reconcile()
    assert app.wait(lambda: app.host.reactions(app.repo, comment)) == ["eyes"]
    assert app.wait_for_end().why == "undo: 2 labels removed, 1 comment deleted"
