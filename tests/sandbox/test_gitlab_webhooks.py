"""The contents and signatures of GitLab's webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bot.sandbox.demo import DEMO_PROJECT
from tests.simulation import Sandbox

from .conftest import Received, Receiver
from .test_gitlab_api import client_of, issue, note


@pytest.fixture
def box(box: Sandbox, receiver: Receiver) -> Sandbox:
    box.gitlab.webhook_url = receiver.url
    return box


@pytest.fixture
def bot(box: Sandbox) -> Iterator[httpx.Client]:
    with client_of(box, box.gitlab.token) as found:
        yield found


def actions_in(receiver: Receiver) -> list[str]:
    """`Header: action` of what was received."""
    return [
        f"{r.headers['x-gitlab-event']}: {json.loads(r.body)['object_attributes']['action']}"
        for r in receiver.received
    ]


def signed(received: Received, token: str) -> str:
    """https://github.com/standard-webhooks/standard-webhooks"""
    key = base64.b64decode(token.removeprefix("whsec_"))
    head = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}."
    digest = hmac.new(key, head.encode() + received.body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def test_a_new_issue_sends_a_signed_webhook(box: Sandbox, receiver: Receiver) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", author="ada", labels=["customer"])
    received = receiver.received[0]
    assert box.gitlab.signing_token is not None
    assert received.headers["webhook-signature"] == signed(received, box.gitlab.signing_token)
    assert received.headers["webhook-id"] == received.headers["idempotency-key"]
    assert received.headers["x-gitlab-token"] == box.gitlab.webhook_secret
    assert received.headers["x-gitlab-instance"] == box.gitlab_url
    assert received.headers["user-agent"].startswith("GitLab/")
    payload = json.loads(received.body)
    assert (payload["object_kind"], payload["event_type"]) == ("issue", "issue")
    attributes = payload["object_attributes"]
    assert (attributes["iid"], attributes["action"]) == (number, "open")
    assert attributes["author_id"] == payload["user"]["id"]
    assert [(label["title"], label["type"]) for label in payload["labels"]] == [
        ("customer", "GroupLabel")
    ]
    assert payload["project"]["path_with_namespace"] == DEMO_PROJECT
    assert payload["changes"]["title"] == {"previous": None, "current": "Title"}
    delivery = box.gitlab.deliveries[0]
    assert (delivery.action, delivery.status, delivery.number) == ("opened", 202, number)


def test_what_is_not_set_is_not_sent(box: Sandbox, receiver: Receiver) -> None:
    box.gitlab.signing_token = None
    box.gitlab.open_issue(DEMO_PROJECT, "Title")
    box.gitlab.signing_token, box.gitlab.webhook_secret = "whsec_AAAA", None
    box.gitlab.open_issue(DEMO_PROJECT, "Title")
    plain, signed = (set(received.headers) for received in receiver.received)
    assert "webhook-id" in plain & signed
    assert ("x-gitlab-token" in plain, "webhook-signature" in plain) == (True, False)
    assert ("x-gitlab-token" in signed, "webhook-signature" in signed) == (False, True)


# type, confidential → header, object_kind and event_type, the end of the date, the kind of page
KINDS = [
    (("Issue", False), ("Issue Hook", "issue", "issue", " UTC", "issues")),
    (("Task", False), ("Issue Hook", "work_item", "work_item", "Z", "work_items")),
    (("Incident", False), ("Issue Hook", "work_item", "work_item", "Z", "issues")),
    (
        ("Issue", True),
        ("Confidential Issue Hook", "issue", "confidential_issue", " UTC", "issues"),
    ),
    (
        ("Incident", True),
        ("Confidential Issue Hook", "work_item", "confidential_work_item", "Z", "issues"),
    ),
]


@pytest.mark.parametrize(("opened", "words"), KINDS)
def test_every_kind_of_issue_has_its_own_event_type(
    box: Sandbox, receiver: Receiver, opened: tuple[str, bool], words: tuple[str, ...]
) -> None:
    type, confidential = opened
    header, kind, event, date, page = words
    number = box.gitlab.open_issue(DEMO_PROJECT, "T", None, type=type, confidential=confidential)
    received = receiver.received[0]
    payload = json.loads(received.body)
    attributes = payload["object_attributes"]
    assert received.headers["x-gitlab-event"] == header
    assert (payload["object_kind"], payload["event_type"]) == (kind, event)
    assert (attributes["type"], attributes["confidential"]) == (type, confidential)
    assert attributes["created_at"].endswith(date)
    assert attributes["url"].endswith(f"/-/{page}/{number}")
    assert attributes["description"] is None
    box.gitlab.comment_by_person(DEMO_PROJECT, number, "Hi")
    expected = ("Confidential Note Hook" if confidential else "Note Hook") + ": create"
    assert actions_in(receiver)[-1] == expected


ACTIONS: list[tuple[Callable[[Any, int], object], list[str]]] = [
    (
        lambda lab, n: lab.edit_issue(DEMO_PROJECT, n, title="New"),
        ["Issue Hook: update", "Note Hook: create"],
    ),
    (lambda lab, n: lab.close_issue(DEMO_PROJECT, n), ["Issue Hook: close"]),
    (lambda lab, n: lab.reopen_issue(DEMO_PROJECT, n), ["Issue Hook: reopen"]),
    (
        lambda lab, n: lab.lock_issue(DEMO_PROJECT, n),
        ["Issue Hook: update", "Note Hook: create"],
    ),
    (
        lambda lab, n: lab.make_confidential(DEMO_PROJECT, n),
        ["Confidential Issue Hook: update", "Confidential Note Hook: create"],
    ),
    (lambda lab, n: lab.delete_issue(DEMO_PROJECT, n), []),
    (lambda lab, n: lab.label_by_person(DEMO_PROJECT, n, "type::bug"), ["Issue Hook: update"]),
    (lambda lab, n: lab.unlabel_by_person(DEMO_PROJECT, n, "customer"), ["Issue Hook: update"]),
    (lambda lab, n: lab.comment_by_person(DEMO_PROJECT, n, "Hi"), ["Note Hook: create"]),
    (lambda lab, n: lab.close_issue(DEMO_PROJECT, n, deliver=False), []),
]


@pytest.mark.parametrize(("action", "expected"), ACTIONS)
def test_every_action_sends_its_webhooks(
    box: Sandbox, receiver: Receiver, action: Callable[[Any, int], object], expected: list[str]
) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", labels=["customer"])
    receiver.received.clear()
    action(box.gitlab, number)
    assert actions_in(receiver) == expected


def test_changes_have_the_previous_values(box: Sandbox, receiver: Receiver) -> None:
    number = box.gitlab.open_issue(
        DEMO_PROJECT, "Title", "Body", labels=["type::bug"], deliver=False
    )
    box.gitlab.edit_issue(DEMO_PROJECT, number, body="Better")
    box.gitlab.label_by_person(DEMO_PROJECT, number, "type::feature")
    edited, _, relabeled = (json.loads(received.body) for received in receiver.received)
    assert edited["changes"]["description"] == {"previous": "Body", "current": "Better"}
    labels = relabeled["changes"]["labels"]
    titles = [[label["title"] for label in labels[when]] for when in ("previous", "current")]
    assert titles == [["type::bug"], ["type::feature"]]
    assert relabeled["changes"]["updated_by_id"]["current"] == relabeled["user"]["id"]


def test_the_bots_own_writes_send_webhooks(
    box: Sandbox, receiver: Receiver, bot: httpx.Client
) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", deliver=False)
    own_note = note(bot, number, "Ours").json()["id"]
    bot.put(issue(number, f"/notes/{own_note}"), json={"body": "Ours, edited"})
    bot.put(issue(number), json={"add_labels": ["type::bug", "customer"]})
    bot.put(issue(number), json={"add_labels": ["type::bug"]})
    box.gitlab.settle()
    assert actions_in(receiver) == ["Note Hook: create", "Note Hook: update", "Issue Hook: update"]
    payloads = [json.loads(received.body) for received in receiver.received]
    assert {payload["user"]["id"] for payload in payloads} == {box.gitlab.bot.id}
    systems = [p["object_attributes"]["system"] for p in payloads if p["object_kind"] == "note"]
    assert systems == [False, False]


def test_a_groups_webhook_receives_every_event_again(box: Sandbox, receiver: Receiver) -> None:
    box.gitlab.group_hook = True
    box.gitlab.open_issue(DEMO_PROJECT, "Title")
    one, other = receiver.received
    assert one.body == other.body
    assert one.headers["idempotency-key"] != other.headers["idempotency-key"]


def test_a_redelivery_has_the_same_key_and_a_valid_signature(
    box: Sandbox, receiver: Receiver
) -> None:
    box.gitlab.open_issue(DEMO_PROJECT, "Title")
    box.gitlab.redeliver(box.gitlab.opened.guid)
    first, again = receiver.received
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert again.headers["webhook-signature"] == signed(again, str(box.gitlab.signing_token))


def test_any_payload_can_be_delivered_with_any_header(box: Sandbox, receiver: Receiver) -> None:
    box.gitlab.deliver("Push Hook", {"object_kind": "push"}, headers={"X-Gitlab-Token": "wrong"})
    assert receiver.received[0].headers["x-gitlab-event"] == "Push Hook"
    assert receiver.received[0].headers["x-gitlab-token"] == "wrong"
    assert box.gitlab.deliver("Issue Hook", b"{broken").status_code == 202
    assert box.gitlab.deliver("Issue Hook", {"project": None}).status_code == 202


@pytest.mark.parametrize("owner", ["/projects/acme%2Fgadget", "/groups/acme"])
def test_a_webhook_created_over_the_api_receives_its_events(
    box: Sandbox, receiver: Receiver, owner: str
) -> None:
    box.gitlab.webhook_url = None
    wanted = {"url": receiver.url, "issues_events": True, "signing_token": "whsec_AAAA"}
    with client_of(box, box.gitlab.maintainer_token) as person:
        created = person.post(f"{owner}/hooks", json=wanted).json()
        assert "signing_token" not in created
        number = box.gitlab.open_issue(DEMO_PROJECT, "Title")
        box.gitlab.comment_by_person(DEMO_PROJECT, number, "Hi")
        box.gitlab.open_issue(DEMO_PROJECT, "Title", confidential=True)
        assert actions_in(receiver) == ["Issue Hook: open"]
        received = receiver.received[0]
        assert received.headers["webhook-signature"] == signed(received, "whsec_AAAA")
        path = f"{owner}/hooks/{created['id']}"
        assert person.put(path, json={"issues_events": False}).json()["issues_events"] is False
        box.gitlab.open_issue(DEMO_PROJECT, "Title")
        assert len(receiver.received) == 1
        assert person.delete(path).status_code == 204
        assert person.get(f"{owner}/hooks").json() == []


def test_a_webhook_is_tested_with_a_sample(box: Sandbox, receiver: Receiver) -> None:
    box.gitlab.webhook_url = None
    path = "/projects/acme%2Fgadget/hooks"
    with client_of(box, box.gitlab.maintainer_token) as person:
        created = person.post(path, json={"url": receiver.url}).json()["id"]
        trial = f"{path}/{created}/test/issues_events"
        assert person.post(trial).status_code == 422
        box.gitlab.open_issue(DEMO_PROJECT, "Title")
        assert person.post(trial).status_code == 201
        assert person.post(f"{path}/{created}/test/note_events").status_code == 422
        receiver.status = 401
        assert person.post(trial).status_code == 422
    assert actions_in(receiver) == ["Issue Hook: open"] * 2
