"""What GitLab's webhooks tell, in which words, and how they are signed."""

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
from .test_gitlab_api import issue, note, speaking


@pytest.fixture
def box(box: Sandbox, receiver: Receiver) -> Sandbox:
    box.gitlab.webhook_url = receiver.url
    return box


@pytest.fixture
def bot(box: Sandbox) -> Iterator[httpx.Client]:
    with speaking(box, box.gitlab.token) as found:
        yield found


def told(receiver: Receiver) -> list[str]:
    """`Header: action` of what was received."""
    return [
        f"{r.headers['x-gitlab-event']}: {json.loads(r.body)['object_attributes']['action']}"
        for r in receiver.received
    ]


def signed(heard: Received, token: str) -> str:
    """https://github.com/standard-webhooks/standard-webhooks"""
    key = base64.b64decode(token.removeprefix("whsec_"))
    head = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}."
    digest = hmac.new(key, head.encode() + heard.body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def test_a_new_issue_is_told_signed(box: Sandbox, receiver: Receiver) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", author="ada", labels=["customer"])
    heard = receiver.received[0]
    assert box.gitlab.signing_token is not None
    assert heard.headers["webhook-signature"] == signed(heard, box.gitlab.signing_token)
    assert heard.headers["webhook-id"] == heard.headers["idempotency-key"]
    assert heard.headers["x-gitlab-token"] == box.gitlab.webhook_secret
    assert heard.headers["x-gitlab-instance"] == box.gitlab_url
    assert heard.headers["user-agent"].startswith("GitLab/")
    payload = json.loads(heard.body)
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
    plain, signed = (set(heard.headers) for heard in receiver.received)
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
def test_every_kind_of_issue_has_its_words(
    box: Sandbox, receiver: Receiver, opened: tuple[str, bool], words: tuple[str, ...]
) -> None:
    type, confidential = opened
    header, kind, event, date, page = words
    number = box.gitlab.open_issue(DEMO_PROJECT, "T", None, type=type, confidential=confidential)
    heard = receiver.received[0]
    payload = json.loads(heard.body)
    attributes = payload["object_attributes"]
    assert heard.headers["x-gitlab-event"] == header
    assert (payload["object_kind"], payload["event_type"]) == (kind, event)
    assert (attributes["type"], attributes["confidential"]) == (type, confidential)
    assert attributes["created_at"].endswith(date)
    assert attributes["url"].endswith(f"/-/{page}/{number}")
    assert attributes["description"] is None
    box.gitlab.comment_by_person(DEMO_PROJECT, number, "Hi")
    said = ("Confidential Note Hook" if confidential else "Note Hook") + ": create"
    assert told(receiver)[-1] == said


DEEDS: list[tuple[Callable[[Any, int], object], list[str]]] = [
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


@pytest.mark.parametrize(("deed", "expected"), DEEDS)
def test_every_deed_is_told(
    box: Sandbox, receiver: Receiver, deed: Callable[[Any, int], object], expected: list[str]
) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", labels=["customer"])
    receiver.received.clear()
    deed(box.gitlab, number)
    assert told(receiver) == expected


def test_changes_tell_what_was_there_before(box: Sandbox, receiver: Receiver) -> None:
    number = box.gitlab.open_issue(
        DEMO_PROJECT, "Title", "Body", labels=["type::bug"], deliver=False
    )
    box.gitlab.edit_issue(DEMO_PROJECT, number, body="Better")
    box.gitlab.label_by_person(DEMO_PROJECT, number, "type::feature")
    edited, _, relabeled = (json.loads(heard.body) for heard in receiver.received)
    assert edited["changes"]["description"] == {"previous": "Body", "current": "Better"}
    labels = relabeled["changes"]["labels"]
    titles = [[label["title"] for label in labels[when]] for when in ("previous", "current")]
    assert titles == [["type::bug"], ["type::feature"]]


def test_the_bots_own_deeds_echo(box: Sandbox, receiver: Receiver, bot: httpx.Client) -> None:
    number = box.gitlab.open_issue(DEMO_PROJECT, "Title", "Body", deliver=False)
    bot_accounts = note(bot, number, "Ours").json()["id"]
    bot.put(issue(number, f"/notes/{bot_accounts}"), json={"body": "Ours, edited"})
    bot.put(issue(number), json={"add_labels": ["type::bug", "customer"]})
    bot.put(issue(number), json={"add_labels": ["type::bug"]})
    box.gitlab.settle()
    assert told(receiver) == ["Note Hook: create", "Note Hook: update", "Issue Hook: update"]
    payloads = [json.loads(heard.body) for heard in receiver.received]
    assert {payload["user"]["id"] for payload in payloads} == {box.gitlab.bot.id}
    systems = [p["object_attributes"]["system"] for p in payloads if p["object_kind"] == "note"]
    assert systems == [False, False]


def test_a_groups_webhook_tells_everything_again(box: Sandbox, receiver: Receiver) -> None:
    box.gitlab.group_hook = True
    box.gitlab.open_issue(DEMO_PROJECT, "Title")
    one, other = receiver.received
    assert one.body == other.body
    assert one.headers["idempotency-key"] != other.headers["idempotency-key"]


def test_a_redelivery_has_the_same_key_and_a_good_signature(
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


@pytest.mark.parametrize("place", ["/projects/acme%2Fgadget", "/groups/acme"])
def test_a_webhook_made_over_the_api_is_told_what_it_wants(
    box: Sandbox, receiver: Receiver, place: str
) -> None:
    box.gitlab.webhook_url = None
    wanted = {"url": receiver.url, "issues_events": True, "signing_token": "whsec_AAAA"}
    with speaking(box, box.gitlab.maintainer_token) as person:
        made = person.post(f"{place}/hooks", json=wanted).json()
        assert "signing_token" not in made
        number = box.gitlab.open_issue(DEMO_PROJECT, "Title")
        box.gitlab.comment_by_person(DEMO_PROJECT, number, "Hi")
        box.gitlab.open_issue(DEMO_PROJECT, "Title", confidential=True)
        assert told(receiver) == ["Issue Hook: open"]
        heard = receiver.received[0]
        assert heard.headers["webhook-signature"] == signed(heard, "whsec_AAAA")
        path = f"{place}/hooks/{made['id']}"
        assert person.put(path, json={"issues_events": False}).json()["issues_events"] is False
        box.gitlab.open_issue(DEMO_PROJECT, "Title")
        assert len(receiver.received) == 1
        assert person.delete(path).status_code == 204
        assert person.get(f"{place}/hooks").json() == []


def test_a_webhook_is_tried_with_a_sample(box: Sandbox, receiver: Receiver) -> None:
    box.gitlab.webhook_url = None
    path = "/projects/acme%2Fgadget/hooks"
    with speaking(box, box.gitlab.maintainer_token) as person:
        made = person.post(path, json={"url": receiver.url}).json()["id"]
        trial = f"{path}/{made}/test/issues_events"
        assert person.post(trial).status_code == 422
        box.gitlab.open_issue(DEMO_PROJECT, "Title")
        assert person.post(trial).status_code == 201
        assert person.post(f"{path}/{made}/test/note_events").status_code == 422
        receiver.status = 401
        assert person.post(trial).status_code == 422
    assert told(receiver) == ["Issue Hook: open"] * 2
