"""The sandbox in a process of its own, as the demo runs it."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.demo import DEMO_AUTOMATION, DEMO_PROJECT, DEMO_TYPES
from tests.simulation import Sandbox

from .conftest import REPO, Receiver


@pytest.fixture
def control(box: Sandbox, receiver: Receiver) -> Iterator[httpx.Client]:
    box.webhook_url = receiver.url
    with httpx.Client(base_url=f"{box.url}/sandbox") as found:
        yield found


def payloads(box: Sandbox) -> list[Any]:
    box.hooks.settle()
    return [delivery.payload for delivery in box.deliveries]


def test_an_issue_is_opened_shown_labeled_and_unlabeled(
    box: Sandbox, control: httpx.Client, bot: httpx.Client, receiver: Receiver
) -> None:
    opened = control.post("/issues", json={"title": "Dead", "body": "It is.", "author": "ada"})
    created = opened.json()
    assert opened.status_code == 201
    assert created["deliveries"][0]["status"] == 202
    bot.post(f"/issues/{created['number']}/labels", json={"labels": ["area/login", "bug"]})
    box.hooks.settle()
    issue = f"/issues/{REPO}/{created['number']}"
    assert control.get(issue).json()["labels"] == ["area/login", "bug"]
    assert control.delete(f"{issue}/labels/area%2Flogin").json() == {"labels": ["bug"]}
    shown = control.get(issue).json()
    assert (shown["author"], shown["comments"]) == ("ada", [])
    assert shown["labels"] == ["bug"]
    labelled = control.post(f"{issue}/labels", json={"name": "Area/Login"})
    assert (labelled.status_code, labelled.json()) == (201, {"labels": ["bug", "area/login"]})
    changes = [(x["action"], x["sender"]["type"]) for x in payloads(box) if "label" in x]
    assert changes == [
        *[("labeled", "Bot")] * 2,
        ("unlabeled", "User"),
        ("labeled", "User"),
    ]
    again = control.post(f"/redeliver/{created['deliveries'][0]['id']}").json()
    assert again["job"]
    assert (box.deliveries[-1].job, box.deliveries[-1].redelivery) == (again["job"], True)
    assert receiver.received[-1].body == receiver.received[0].body


def test_a_project_is_selected_by_its_host(
    box: Sandbox, control: httpx.Client, receiver: Receiver
) -> None:
    box.gitlab.webhook_url = receiver.url
    created = control.post("/issues", json={"host": "gitlab", "title": "Dead"}).json()
    assert (created["repo"], created["deliveries"][0]["status"]) == (DEMO_PROJECT, 202)
    issue, query = f"/issues/{DEMO_PROJECT}/{created['number']}", {"host": "gitlab"}
    box.gitlab.comment_by_person(DEMO_PROJECT, created["number"], "Hi", deliver=False)
    for name in ("type::bug", "type::feature"):
        box.gitlab.label_by_person(DEMO_PROJECT, created["number"], name)
    shown = control.get(issue, params=query).json()
    assert (shown["title"], shown["labels"]) == ("Dead", ["type::feature"])
    assert [comment["body"] for comment in shown["comments"]] == ["Hi"]
    path = f"{issue}/labels/type::feature"
    assert control.delete(path, params=query).json() == {"labels": []}
    first = created["deliveries"][0]["id"]
    assert control.post(f"/redeliver/{first}", params=query).status_code == 200
    assert box.gitlab.deliveries[-1].redelivery
    assert len(box.gitlab.deliveries) == 5
    assert box.deliveries == []


def test_faults_are_armed_and_cleared_over_http(control: httpx.Client, bot: httpx.Client) -> None:
    armed = control.post("/faults", json={"name": "forge-500", "times": None}).json()["armed"]
    assert armed == [{"name": "forge-500", "left": None, "match": None}]
    assert bot.get("/labels").status_code == 500
    control.delete("/faults")
    assert bot.get("/labels").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/issues/acme/widget/99", None, 404),
        ("POST", "/issues", {"title": "x", "repo": "acme/nowhere"}, 404),
        ("POST", "/issues", {"body": "no title"}, 422),
        ("POST", "/issues", [], 422),
        ("POST", "/issues", {"title": "x", "body": "x" * 1_048_577, "host": "gitlab"}, 422),
        ("POST", "/issues", {"title": "x", "host": "gitea"}, 422),
        ("GET", "/issues/acme/widget/1?host=gitlab", None, 404),
        ("POST", "/faults", {"name": "github-501"}, 422),
        ("POST", "/redeliver/nothing", None, 404),
        ("DELETE", "/issues/acme/widget/1/labels/bug", None, 404),
        ("POST", "/issues/acme/widget/1/labels", {"name": "unknown"}, 404),
        ("POST", "/issues/acme/widget/99/labels", {"name": "bug"}, 404),
        ("POST", "/issues/acme/widget/1/labels", {"label": "bug"}, 422),
        ("POST", "/issues/acme/widget/1/comments", {}, 422),
        ("POST", "/issues/acme/widget/1/comments", {"body": " \n"}, 422),
        ("POST", "/issues/acme/widget/99/comments", {"body": "Hi"}, 404),
        ("POST", "/issues/acme/widget/1/suggestions/1/approve", None, 404),
        ("POST", "/issues/acme/widget/1/suggestions/1/ignore", None, 422),
    ],
)
def test_invalid_requests_are_refused(
    control: httpx.Client, method: str, path: str, body: Any, status: int
) -> None:
    answer = control.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_the_command_prints_addresses_and_credentials_and_stops_cleanly() -> None:
    command = [sys.executable, "-m", "bot.sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as running:
        try:
            assert running.stdout is not None
            ready = json.loads(running.stdout.readline())
            key = Path(ready["private_key_file"])
            assert key.read_text().startswith("-----BEGIN RSA PRIVATE KEY")
            assert key.stat().st_mode & 0o077 == 0
            assert httpx.get(f"{ready['github_url']}/repos/{REPO}").status_code == 200
            signing = Path(ready["gitlab_signing_token_file"]).read_text()
            assert len(base64.b64decode(signing.removeprefix("whsec_"))) == 32
            project = ready["gitlab_project"].replace("/", "%2F")
            headers = {"private-token": ready["gitlab_token"]}
            url = f"{ready['gitlab_url']}/api/v4/projects/{project}"
            assert httpx.get(url, headers=headers).status_code == 200
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
        finally:
            running.kill()
    assert not key.exists()


def test_people_comment_over_http_and_reactions_are_shown(
    control: httpx.Client, bot: httpx.Client, box: Sandbox
) -> None:
    number = control.post("/issues", json={"title": "Dead"}).json()["number"]
    issue = f"/issues/{REPO}/{number}"
    first = control.post(f"{issue}/comments", json={"body": "/tagline why"})
    assert first.status_code == 201
    control.post(f"{issue}/comments", json={"body": "Me too", "login": "ada"})
    reaction = f"/issues/comments/{first.json()['id']}/reactions"
    assert bot.post(reaction, json={"content": "thumbsup"}).status_code == 422
    assert [bot.post(reaction, json={"content": "eyes"}).status_code for _ in "12"] == [201, 200]
    assert control.get(issue).json()["comments"] == [
        {"author": "maintainer", "body": "/tagline why", "is_bot": False, "reactions": ["eyes"]},
        {"author": "ada", "body": "Me too", "is_bot": False, "reactions": []},
    ]
    sent = [(x["action"], x["sender"]["login"]) for x in payloads(box) if "comment" in x]
    assert sent == [("created", "maintainer"), ("created", "ada")]


def test_people_accept_and_dismiss_suggestions_over_http(
    control: httpx.Client, bot: httpx.Client, box: Sandbox
) -> None:
    home = box.state.repo(REPO)
    home.types, home.automation = dict(DEMO_TYPES), DEMO_AUTOMATION
    number = control.post("/issues", json={"title": "Dead"}).json()["number"]
    issue = f"/issues/{REPO}/{number}"
    labels = [{"name": name, "suggest": True, "rationale": "<b>"} for name in ("bug", "question")]
    bot.post(f"/issues/{number}/labels", json={"labels": labels})
    bot.patch(f"/issues/{number}", json={"type": {"value": "Task", "suggest": True}})
    bug, question, task = control.get(issue).json()["suggestions"]
    assert bug == {
        "id": bug["id"],
        "action": "add_label",
        "target": "bug",
        "reason": "<b>",
        "confidence": "",
    }
    sent = len(payloads(box))
    for one, decision in ((bug, "approve"), (question, "dismiss"), (task, "approve")):
        path = f"{issue}/suggestions/{one['id']}/{decision}"
        shown = control.post(path).json()
        assert one not in shown["suggestions"]
        again = control.post(path)
        assert (again.status_code, "not pending" in again.json()["error"]) == (422, True)
    assert (shown["labels"], shown["type"]) == (["bug"], "Task")
    actions = [(x["action"], x["sender"]["login"]) for x in payloads(box)[sent:]]
    assert actions == [("labeled", "maintainer"), ("typed", "maintainer")]


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_comment_over_http_names_the_job_of_its_webhook(
    box: Sandbox, control: httpx.Client, receiver: Receiver, host: str
) -> None:
    box.gitlab.webhook_url = receiver.url
    opened = control.post("/issues", json={"host": host, "title": "Dead"}).json()
    path, params = f"/issues/{opened['repo']}/{opened['number']}/comments", {"host": host}
    assert control.post(path, json={"body": "Hi"}, params=params).json()["job"] == "job-2"
    box.webhook_url = box.gitlab.webhook_url = None
    assert control.post(path, json={"body": "Hi"}, params=params).json()["job"] == ""
