"""Both hosts record who added or removed a label, and when."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from bot.sandbox.demo import DEMO_PROJECT
from tests.simulation import Sandbox

from .conftest import REPO, WEB

STEPS = [
    ("maintainer", "documentation", True),
    ("bot", "bug", True),
    ("maintainer", "bug", False),
    ("bot", "documentation", False),
]


@pytest.fixture
def labels_of_github(box: Sandbox, bot: httpx.Client) -> str:
    """The path of the events of an issue that went through STEPS."""
    box.state.clock = lambda: datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    issue = (
        f"/issues/{box.open_issue(REPO, 'Title', author='maintainer', labels=['documentation'])}"
    )
    number = int(issue.rpartition("/")[2])
    for _ in range(2):  # the second time it is there already
        bot.post(f"{issue}/labels", json={"labels": ["bug"]})
    box.unlabel_by_person(REPO, number, "bug")
    assert bot.delete(f"{issue}/labels/documentation").status_code == 200
    gone = bot.delete(f"{issue}/labels/documentation")
    assert (gone.status_code, gone.json()["message"]) == (404, "Label does not exist")
    return f"{issue}/events"


def test_github_lists_them_as_events(
    box: Sandbox, bot: httpx.Client, labels_of_github: str
) -> None:
    listed = bot.get(labels_of_github).json()
    whose = {"maintainer": "maintainer", "bot": "tagline-bot[bot]"}
    assert [(e["actor"]["login"], e["label"]["name"], e["event"]) for e in listed] == [
        (whose[who], name, "labeled" if added else "unlabeled") for who, name, added in STEPS
    ]
    apps = [(e["performed_via_github_app"] or {}).get("id") for e in listed]
    assert apps == [None, box.app_id, None, box.app_id]
    assert {e["created_at"] for e in listed} == {"2026-05-01T12:30:00Z"}
    assert all(len(e["label"]["color"]) == 6 for e in listed)
    first = bot.get(f"{labels_of_github}?per_page=3")
    rest = bot.get(first.links["next"]["url"]).json()
    assert [e["id"] for e in first.json() + rest] == sorted(e["id"] for e in listed)


def test_gitlab_lists_them_as_resource_label_events(box: Sandbox) -> None:
    box.gitlab.state.clock = lambda: datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    how = {"author": "maintainer", "labels": ["documentation"]}
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", **how)  # type: ignore[arg-type]
    project = box.gitlab.state.repo(DEMO_PROJECT)
    issue = f"{box.gitlab_url}/api/v4/projects/{project.id}/issues/{number}"
    headers = {"private-token": box.gitlab.token}
    for wanted in ({"add_labels": ["type::bug"]}, {"add_labels": "type::bug"}):
        WEB.put(issue, json=wanted, headers=headers)
    box.gitlab.unlabel_by_person(DEMO_PROJECT, number, "type::bug")
    changed = WEB.put(issue, json={"remove_labels": ["documentation", "none"]}, headers=headers)
    assert (changed.status_code, changed.json()["labels"]) == (200, [])
    del project.labels["type::bug"]
    first = WEB.get(f"{issue}/resource_label_events?per_page=3", headers=headers)
    assert (first.headers["x-total"], first.headers["x-next-page"]) == ("4", "2")
    listed = first.json() + WEB.get(first.links["next"]["url"], headers=headers).json()
    whose = {"maintainer": "maintainer", "bot": box.gitlab.bot.login}
    assert [(e["user"]["username"], e["action"]) for e in listed] == [
        (whose[who], "add" if added else "remove") for who, _, added in STEPS
    ]
    assert [e["label"] and e["label"]["name"] for e in listed] == [
        "documentation",
        None,
        None,
        "documentation",
    ]
    assert {e["created_at"] for e in listed} == {"2026-05-01T12:30:00.000Z"}
    assert all(box.gitlab.state.user(e["user"]["username"]).id == e["user"]["id"] for e in listed)


def test_the_history_moves_along_with_the_issue(
    box: Sandbox, bot: httpx.Client, labels_of_github: str
) -> None:
    before = len(bot.get(labels_of_github).json())
    box.add_repo("acme/other")
    number = box.transfer_issue(REPO, int(labels_of_github.split("/")[2]), "acme/other")
    moved = WEB.get(f"{box.github_url}/repos/acme/other/issues/{number}/events")
    assert len(moved.json()) == before == len(STEPS)
