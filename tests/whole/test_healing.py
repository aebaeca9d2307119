"""What fell back is healed in place, and what was missed is found, over HTTP and a real Redis."""

from __future__ import annotations

import time

from bot.flow.reconcile import JUST_NOW_SECONDS
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
    house: App, clients: ClientPool
) -> None:
    house.box.fault("model-400", times=None)
    number = house.issue()
    assert house.comments(number) == []
    assert "needs-review" in house.labels(number)
    kept = next(name for name in house.labels(number) if name != "needs-review")
    house.host.unlabel_by_person(house.repo, number, kept)
    house.host.label_by_person(house.repo, number, kept)
    house.box.clear_faults()
    known = len(house.host.exchanges)
    night = Outage(house, clients)
    night.heal()
    (comment,) = house.comments(number)
    assert comment.body.startswith("**Summary (automated):** ")
    assert "needs-review" not in house.labels(number)
    assert kept in house.labels(number)  # it is a person's now
    assert HEALING[house.on] <= kinds(house.host.exchanges[known:])
    night.jobs.clear()
    night.heal()
    assert night.jobs == []


def test_nothing_is_said_on_an_issue_that_a_maintainer_has_answered(
    house: App, clients: ClientPool
) -> None:
    house.box.fault("model-400", times=None)
    number = house.issue()
    house.host.comment_by_person(house.repo, number, "Thank you, I am on it.")
    house.box.clear_faults()
    Outage(house, clients).heal()
    assert house.comments(number) == []
    assert "needs-review" not in house.labels(number)


def test_issues_that_redis_lost_are_found(house: App, clients: ClientPool) -> None:
    house.issue()
    old = time.time() - JUST_NOW_SECONDS - 60
    lost = [
        house.host.open_issue(house.repo, TITLE, f"{BODY} {n}", deliver=False, created_at=old)
        for n in range(3)
    ]
    young = house.host.open_issue(house.repo, TITLE, f"{BODY} now", deliver=False)
    known = len(house.host.exchanges)
    night = Outage(house, clients)
    assert night.sweep()["issues"] == 3
    assert [len(house.comments(number)) for number in lost] == [1, 1, 1]
    assert house.comments(young) == []
    assert SWEEP[house.on] <= kinds(house.host.exchanges[known:])
    night.jobs.clear()
    assert night.sweep() == {}


def test_work_items_that_the_door_leaves_alone_are_not_swept_up(
    house: App, clients: ClientPool
) -> None:
    house.issue()
    old = time.time() - JUST_NOW_SECONDS - 60
    number = house.host.open_issue(
        house.repo, TITLE, BODY, deliver=False, created_at=old, type="Task"
    )
    Outage(house, clients).sweep()
    assert (house.comments(number), house.labels(number)) == ([], [])


def test_a_delivery_that_nobody_took_is_asked_for_again(house: App, clients: ClientPool) -> None:
    house.issue()
    known = len(house.host.deliveries)
    door, house.box.webhook_url = house.box.webhook_url, "http://127.0.0.1:1/webhooks/github"
    number = house.host.open_issue(house.repo, TITLE, f"{BODY} Unheard.")
    house.box.webhook_url = door
    Outage(house, clients).sweep()
    house.wait(lambda: house.comments(number) or None)
    later = house.host.deliveries[known:]
    asked = [d for d in later if d.number == number and d.action == "opened"]
    assert [delivery.status for delivery in asked] == [0, 202]


def test_a_repository_that_was_renamed_since_is_found_by_its_number(build: Build) -> None:
    with build().open(at_work=False) as house:
        number = house.host.open_issue(house.repo, TITLE, BODY)
        house.host.rename_repo(house.repo, f"{house.repo}-renamed")
        house.repo += "-renamed"
        with house.working():
            assert house.end_of(str(house.opened.job)).outcome == "answered"
        assert len(house.comments(number)) == 1
