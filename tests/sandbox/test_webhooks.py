"""The contents of GitHub's webhooks, and the records of their deliveries."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable

import httpx
import pytest

from tests.simulation import Sandbox

from .conftest import REPO, Receiver, app_token


@pytest.fixture
def box(box: Sandbox, receiver: Receiver) -> Sandbox:
    box.webhook_url = receiver.url
    return box


def actions_in(receiver: Receiver) -> list[str]:
    return [
        f"{r.headers['x-github-event']}.{json.loads(r.body)['action']}" for r in receiver.received
    ]


def test_a_new_issue_sends_a_signed_webhook(box: Sandbox, receiver: Receiver) -> None:
    number = box.open_issue(REPO, "Title", "Body", author="hubot", bot=True, created_at=1e9)
    received = receiver.received[0]
    expected = hmac.new(box.webhook_secret.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["x-hub-signature-256"] == f"sha256={expected}"
    assert received.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert received.headers["x-github-hook-installation-target-id"] == str(box.app_id)
    payload = json.loads(received.body)
    assert payload["action"] == "opened"
    assert payload["issue"]["number"] == number
    assert payload["issue"]["created_at"] == "2001-09-09T01:46:40Z"
    assert payload["issue"]["user"]["type"] == "Bot"
    assert payload["installation"]["id"] == box.installation_id
    assert payload["repository"]["full_name"] == REPO
    delivery = box.deliveries[0]
    assert (delivery.status, delivery.job, delivery.action) == (202, "job-1", "opened")
    assert delivery.guid == received.headers["x-github-delivery"]


ACTIONS: list[tuple[Callable[[Sandbox, int], object], list[str]]] = [
    (lambda box, n: box.edit_issue(REPO, n, title="New"), ["issues.edited"]),
    (lambda box, n: box.close_issue(REPO, n), ["issues.closed"]),
    (lambda box, n: box.reopen_issue(REPO, n), ["issues.reopened"]),
    (lambda box, n: box.lock_issue(REPO, n), ["issues.locked"]),
    (lambda box, n: box.delete_issue(REPO, n), ["issues.deleted"]),
    (lambda box, n: box.label_by_person(REPO, n, "bug"), ["issues.labeled"]),
    (lambda box, n: box.unlabel_by_person(REPO, n, "question"), ["issues.unlabeled"]),
    (lambda box, n: box.comment_by_person(REPO, n, "Hi"), ["issue_comment.created"]),
    (lambda box, n: box.transfer_issue(REPO, n, REPO), ["issues.transferred", "issues.opened"]),
    (lambda box, n: box.close_issue(REPO, n, deliver=False), []),
]


@pytest.mark.parametrize(("action", "expected"), ACTIONS)
def test_every_action_sends_its_webhooks(
    box: Sandbox, receiver: Receiver, action: Callable[[Sandbox, int], object], expected: list[str]
) -> None:
    number = box.open_issue(REPO, "Title", "Body", labels=["question"], deliver=False)
    action(box, number)
    assert actions_in(receiver) == expected
    recorded = [(f"{d.event}.{d.action}", d.status) for d in box.deliveries]
    assert recorded == [(name, 202) for name in expected]


def test_an_edit_has_the_previous_values(box: Sandbox, receiver: Receiver) -> None:
    number = box.open_issue(REPO, "Title", "Body", deliver=False)
    box.edit_issue(REPO, number, body="Better")
    assert json.loads(receiver.received[0].body)["changes"] == {"body": {"from": "Body"}}


def test_the_bots_own_writes_send_webhooks(
    box: Sandbox, receiver: Receiver, bot: httpx.Client
) -> None:
    number = box.open_issue(REPO, "Title", "Body", deliver=False)
    bot.post(f"/issues/{number}/comments", json={"body": "Ours"})
    bot.post(f"/issues/{number}/labels", json={"labels": ["bug", "area/api"]})
    box.settle()
    assert actions_in(receiver) == ["issue_comment.created", "issues.labeled", "issues.labeled"]
    payloads = [json.loads(one.body) for one in receiver.received]
    assert {p["sender"]["login"] for p in payloads} == {"tagline-bot[bot]"}
    assert payloads[0]["comment"]["performed_via_github_app"]["id"] == box.app_id


def test_a_redelivery_is_the_same_again(box: Sandbox, receiver: Receiver) -> None:
    receiver.status = 503
    box.open_issue(REPO, "Title", "Body")
    lost = box.deliveries[0]
    headers = {"authorization": f"Bearer {app_token(box)}"}
    with httpx.Client(base_url=f"{box.github_url}/app/hook", headers=headers) as app:
        listed = app.get("/deliveries?status=failure").json()
        assert [(d["guid"], d["status_code"]) for d in listed] == [(lost.guid, 503)]
        receiver.status = 202
        app.post(f"/deliveries/{listed[0]['id']}/attempts")
    box.settle()
    box.redeliver(lost.guid)
    first, *again = receiver.received
    assert [one.body for one in again] == [first.body] * 2
    assert {one.headers["x-github-delivery"] for one in again} == {lost.guid}
    assert [delivery.redelivery for delivery in box.deliveries] == [False, True, True]


def test_any_payload_can_be_delivered(box: Sandbox, receiver: Receiver) -> None:
    answer = box.deliver("ping", {"zen": "Keep it simple."}, "guid-1")
    assert answer.status_code == 202
    assert receiver.received[0].headers["x-github-delivery"] == "guid-1"
    box.deliver("ping", {"zen": "Keep it simple."})
    assert box.deliveries[-1].guid not in ("", "guid-1")
    assert box.deliver("issues", b"{broken").status_code == 202


def test_a_delivery_to_an_unreachable_receiver_is_recorded(box: Sandbox) -> None:
    box.webhook_url = "http://127.0.0.1:9/nobody"
    box.open_issue(REPO, "Title", "Body")
    assert [delivery.status for delivery in box.deliveries] == [0]
    with pytest.raises(httpx.TransportError):
        box.deliver("ping", {})
