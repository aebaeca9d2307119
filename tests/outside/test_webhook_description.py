"""The sandbox's webhooks follow GitHub's own description."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from bot.sandbox.demo import DEMO_PROJECT
from bot.sandbox.github.payloads import payload
from bot.sandbox.gitlab.payloads import payload as gitlab_payload
from bot.sandbox.state import MAINTAINER, Event, User
from tests.simulation import Sandbox
from tests.simulation.host import edit_issue, set_state, transfer

REPO, OTHER = "acme/widget", "acme/other"
OCTOCAT = User("octocat", 1)


@pytest.fixture(scope="session")
def description(shared: Path) -> dict[str, Any]:
    path = shared / "contracts/github/openapi/webhooks.trimmed.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox().running() as box:
        box.add_repo(OTHER, {"bug": ""})
        yield box


def opened(box: Sandbox) -> Event:
    return box.state.open_issue(REPO, "Title", "Body", OCTOCAT, None)


def commented(box: Sandbox) -> Event:
    return box.state.comment(REPO, opened(box).issue.number, "Words", MAINTAINER, box.app_id)


def comment_id(event: Event) -> int:
    assert event.comment is not None
    return event.comment.id


def labelled(box: Sandbox) -> Event:
    return box.state.add_labels(REPO, opened(box).issue.number, ["bug"], MAINTAINER)[0]


EVENTS: dict[str, Callable[[Sandbox], Event]] = {
    "issues-opened": opened,
    "issues-edited": lambda box: edit_issue(
        box.state, REPO, opened(box).issue.number, MAINTAINER, {"title": "New", "body": "New"}
    ),
    "issues-closed": lambda box: set_state(
        box.state, REPO, opened(box).issue.number, MAINTAINER, "closed"
    ),
    "issues-reopened": lambda box: set_state(
        box.state, REPO, opened(box).issue.number, MAINTAINER, "reopened"
    ),
    "issues-deleted": lambda box: set_state(
        box.state, REPO, opened(box).issue.number, MAINTAINER, "deleted"
    ),
    "issues-labeled": labelled,
    "issues-unlabeled": lambda box: box.state.remove_label(
        REPO, labelled(box).issue.number, "bug", MAINTAINER
    ),
    "issues-transferred": lambda box: transfer(
        box.state, REPO, opened(box).issue.number, OTHER, MAINTAINER
    )[0],
    "issue-comment-created": commented,
    "issue-comment-edited": lambda box: box.state.edit_comment(
        REPO, comment_id(commented(box)), "Better", MAINTAINER
    ),
    "issue-comment-deleted": lambda box: box.state.delete_comment(
        REPO, comment_id(commented(box)), MAINTAINER
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_payload_is_as_described(description: dict[str, Any], box: Sandbox, name: str) -> None:
    body = payload(EVENTS[name](box), box.hooks.serializer, box.installation_id)[1]
    media = description["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
    schema = media["schema"] | {"components": description["components"]}
    errors = Draft202012Validator(schema).iter_errors(body)
    assert [f"{list(error.absolute_path)}: {error.message[:300]}" for error in errors] == []


def test_an_issue_that_arrives_by_transfer_is_as_described(
    description: dict[str, Any], box: Sandbox
) -> None:
    arrived = transfer(box.state, REPO, opened(box).issue.number, OTHER, MAINTAINER)[1]
    body = payload(arrived, box.hooks.serializer, box.installation_id)[1]
    media = description["webhooks"]["issues-opened"]["post"]["requestBody"]["content"]
    schema = media["application/json"]["schema"] | {"components": description["components"]}
    assert body["changes"]["old_repository"]["full_name"] == REPO
    assert list(Draft202012Validator(schema).iter_errors(body)) == []


def test_gitlab_s_change_of_labels_has_the_parts_of_a_recorded_one(
    shared: Path, box: Sandbox
) -> None:
    folder = shared / "contracts" / "gitlab" / "webhooks-2026"
    recorded = json.loads((folder / "issue.update.scoped-label-swapped.made.json").read_text())
    lab = box.gitlab
    number = lab.open_issue(DEMO_PROJECT, "Title", labels=["customer"], deliver=False)
    (event,) = lab.state.relabel(DEMO_PROJECT, number, MAINTAINER, ["type::bug"])
    named = gitlab_payload(event, lab.serializer)
    assert named
    for part in ("user", "changes"):
        assert named[1][part].keys() == recorded[part].keys()
    labels, known = (x["changes"]["labels"]["current"] for x in (named[1], recorded))
    assert {frozenset(label) for label in labels} == {frozenset(label) for label in known}
    owners = [(x["type"], x["project_id"] is None, x["group_id"] is None) for x in labels]
    assert owners == [("GroupLabel", True, False), ("ProjectLabel", False, True)]
