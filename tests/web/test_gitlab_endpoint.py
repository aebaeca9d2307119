"""GitLab's endpoint: signing token, plain token, and 2xx for each authentic delivery."""

from __future__ import annotations

import base64
import datetime
import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pytest
import standardwebhooks

from bot.core.errors import Rejected
from bot.forges.gitlab.webhooks import GitLabWebhooks
from tests.web.client import GITLAB_PAYLOAD, SECRET, LocalReceiver, verify

BODY = msgspec.json.encode(GITLAB_PAYLOAD)
TOKEN = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


def signed(
    body: bytes = BODY, *, token: str = TOKEN, age: float = 0, name: str | None = None
) -> dict[str, str | None]:
    """Headers as the `standardwebhooks` package makes them."""
    name = name or f"msg_{uuid.uuid4().hex}"
    at = datetime.datetime.fromtimestamp(time.time() - age, datetime.UTC)
    signature = standardwebhooks.Webhook(token).sign(name, at, body.decode())
    return {
        "X_Gitlab_Token": None,
        "webhook_id": name,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": signature,
    }


def with_attributes(**changes: Any) -> dict[str, Any]:
    return {
        **GITLAB_PAYLOAD,
        "object_attributes": {**GITLAB_PAYLOAD["object_attributes"], **changes},
    }


def test_the_plain_token_is_accepted_where_no_signing_token_is_set() -> None:
    endpoint = LocalReceiver()
    answer = endpoint.gitlab()
    assert (answer.status_code, answer.content) == (202, b"")
    (delivery,) = endpoint.queue.jobs.values()
    assert str(delivery.ref) == "gitlab:acme/gadget#41"
    assert (delivery.ref.repo_id, delivery.kind) == (77, "opened")
    assert answer.headers["X-Tagline-Job"] == f"job of {delivery.id}"


@pytest.mark.parametrize("token", [None, "", "wrong", SECRET + "x", SECRET[:-1], "\xe9" * 31])
def test_a_wrong_token_is_401_before_the_body_is_read(token: str | None) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = [("Content-Type", "application/json"), ("X-Gitlab-Event", "Issue Hook")]
    if token is not None:
        headers.append(("X-Gitlab-Token", token))
    assert LocalReceiver().request("POST", "/webhooks/gitlab", never(), headers).status_code == 401


def test_two_token_headers_are_401() -> None:
    headers = [("X-Gitlab-Token", SECRET), ("X-Gitlab-Token", SECRET)]
    assert LocalReceiver().request("POST", "/webhooks/gitlab", BODY, headers).status_code == 401


def test_signatures_of_the_standardwebhooks_package_are_accepted() -> None:
    endpoint = LocalReceiver(signing=[TOKEN])
    assert endpoint.gitlab(headers=signed()).status_code == 202
    assert len(endpoint.queue.jobs) == 1


def test_several_signatures_and_several_keys_hold_while_one_is_rotated() -> None:
    endpoint = LocalReceiver(signing=[OTHER, TOKEN])
    headers = signed()
    wrong = "v1," + base64.b64encode(bytes(32)).decode()
    headers["webhook_signature"] = f"v1a,xyz {wrong} {headers['webhook_signature']}"
    assert endpoint.gitlab(headers=headers).status_code == 202
    assert endpoint.gitlab(headers=signed(token=OTHER)).status_code == 202


HOSTILE: dict[str, Callable[[], dict[str, str | None]]] = {
    "the plain token only": dict,
    "no signature": lambda: {"webhook_id": "msg_1", "webhook_timestamp": str(int(time.time()))},
    "too old": lambda: signed(age=305),
    "too far ahead": lambda: signed(age=-330),
    "another body": lambda: signed(b"another body"),
    "another key": lambda: signed(token=OTHER),
    "another id": lambda: {**signed(), "webhook_id": "msg_other"},
    "no id": lambda: {**signed(), "webhook_id": None},
    "dots in the id": lambda: signed(name="msg.with.dots"),
    "no number": lambda: {**signed(), "webhook_timestamp": "now"},
    "no time": lambda: {**signed(), "webhook_timestamp": None},
    "signature left out": lambda: {**signed(), "webhook_signature": None},
    "empty signature": lambda: {**signed(), "webhook_signature": ""},
    "nothing but a version": lambda: {**signed(), "webhook_signature": "v1,"},
    "not ASCII": lambda: {**signed(), "webhook_signature": "v1,\xe9"},
    "no version": lambda: {**signed(), "webhook_signature": str(signed()["webhook_signature"])[3:]},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_with_a_signing_token_nothing_else_is_accepted(case: str) -> None:
    endpoint = LocalReceiver(signing=[TOKEN])
    answer = endpoint.gitlab(headers=HOSTILE[case](), body=BODY)
    assert (answer.status_code, answer.content, endpoint.queue.jobs) == (401, b"", {})


def test_ten_thousand_single_bit_changes_are_all_refused() -> None:
    parser, rng = GitLabWebhooks("gitlab.example", [TOKEN]), random.Random(11)
    good = {k.replace("_", "-"): v for k, v in signed().items() if v is not None}
    verify(parser, good, BODY)
    for _ in range(10_000):
        body, headers = bytearray(BODY), dict(good)
        place = rng.randrange(len(BODY) + 64)
        if place < len(BODY):
            body[place] ^= 1 << rng.randrange(8)
        else:
            value = bytearray(headers["webhook-signature"].encode())
            value[rng.randrange(len(value))] ^= 1 << rng.randrange(7)
            headers["webhook-signature"] = value.decode("latin-1")
        with pytest.raises(Rejected):
            verify(parser, headers, bytes(body))


IMPOSSIBLE: list[object] = [
    "a/" * 3_900 + "x",
    "a/" * 5_000 + "x",
    "/".join(["a"] * 22),
    "a" * 256 + "/x",
    "no-group",
    "",
    "/",
    "a//b",
    "a/b/",
    "/a/b",
    "a/b c",
    "a/b\nc",
    "a/b\x00",
    "a/..%2fb",
    "a/-b",
    "a/bü",
    None,
    7,
    ["a/b"],
    {"a": "b"},
]


@pytest.mark.parametrize("path", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
def test_a_path_that_gitlab_cannot_have_given_leaves_the_project_s_number(path: object) -> None:
    endpoint = LocalReceiver()
    project = {"id": 7, "path_with_namespace": path}
    endpoint.gitlab(body=json.dumps({**GITLAB_PAYLOAD, "project": project}).encode())
    (job,) = endpoint.queue.jobs.values()
    assert (job.ref.repo, job.ref.repo_id, job.ref.number) == ("", 7, 41)
    assert str(job.ref) == "gitlab:7#41"


def test_a_project_in_as_many_groups_as_gitlab_nests_keeps_its_path() -> None:
    endpoint, path = LocalReceiver(), "/".join(["g" * 255] * 20 + ["x"])
    project = {"id": 7, "path_with_namespace": path}
    endpoint.gitlab(body=msgspec.json.encode({**GITLAB_PAYLOAD, "project": project}))
    (job,) = endpoint.queue.jobs.values()
    assert job.ref.repo == path


@pytest.mark.parametrize("number", [0, -1, 2**63, "7", None, 1.5, [7]], ids=str)
@pytest.mark.parametrize("place", ["project", "issue"])
def test_a_payload_without_a_usable_number_asks_for_nothing(place: str, number: object) -> None:
    endpoint, project = LocalReceiver(), {"id": 7, "path_with_namespace": "a/b"}
    attributes = {**GITLAB_PAYLOAD["object_attributes"]}
    if place == "project":
        project["id"] = number
    else:
        attributes["iid"] = number
    payload = {**GITLAB_PAYLOAD, "project": project, "object_attributes": attributes}
    assert endpoint.gitlab(body=msgspec.json.encode(payload)).status_code == 202
    assert endpoint.queue.jobs == {}


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        ({**GITLAB_PAYLOAD, "object_kind": "note"}, {"X_Gitlab_Event": "Note Hook"}),
        ({**GITLAB_PAYLOAD, "object_kind": "merge_request"}, {}),
        ({**GITLAB_PAYLOAD, "project": None}, {}),
        (with_attributes(action=None), {}),
        (with_attributes(action="quite_new"), {}),
        (with_attributes(action="update"), {}),
        (with_attributes(type="Task"), {}),
        ({**GITLAB_PAYLOAD, "object_attributes": "a custom template"}, {}),
        ({"text": "a custom template"}, {}),
        ([], {}),
        (GITLAB_PAYLOAD, {"X_Gitlab_Event": "Confidential Issue Hook"}),
        ({**GITLAB_PAYLOAD, "event_type": "confidential_issue"}, {}),
        ({**GITLAB_PAYLOAD, "event_type": "confidential_work_item"}, {}),
        (with_attributes(confidential=True), {}),
    ],
    ids=range(14),
)
def test_authentic_and_uninteresting_is_2xx_and_no_job(
    payload: object, headers: dict[str, str | None]
) -> None:
    endpoint = LocalReceiver()
    answer = endpoint.gitlab(headers=headers, body=msgspec.json.encode(payload))
    assert (answer.status_code, answer.content, endpoint.queue.jobs) == (202, b"", {})


@pytest.mark.parametrize("body", [b"", b"hello", b"\xff", b"[" * 100_000, BODY + b"x"])
def test_an_authentic_body_that_cannot_be_parsed_is_2xx_too(body: bytes) -> None:
    endpoint = LocalReceiver()
    assert (endpoint.gitlab(body=body).status_code, endpoint.queue.jobs) == (202, {})


def labels_changed(
    *, before: Sequence[object] = (), after: Sequence[object] = (), by: str = "ada", **more: object
) -> dict[str, Any]:
    """Return an update of an issue's labels, which are objects with an id."""
    labels = {"labels": {"previous": before, "current": after}}
    payload = {**with_attributes(action="update"), "user": {"id": 5, "username": by}}
    return {**payload, "changes": {**labels, **more}}


def reopened(payload: dict[str, Any]) -> dict[str, Any]:
    attributes = {**payload["object_attributes"], "action": "reopen"}
    return {**payload, "object_attributes": attributes}


def closed(by: str) -> dict[str, Any]:
    return {**with_attributes(action="close"), "user": {"id": 5, "username": by}}


TITLES = {"previous": "x", "current": "y"}
BUG, RENAMED, LOW = {"id": 1, "title": "bug"}, {"id": 1, "title": "defect"}, {"id": 2}


@pytest.mark.parametrize(
    ("payload", "kinds"),
    [
        (labels_changed(before=[BUG]), ["labels"]),
        (labels_changed(after=[BUG]), ["labels"]),
        (labels_changed(before=[BUG], after=[LOW]), ["labels"]),
        (labels_changed(before=[BUG, LOW], after=[LOW, RENAMED]), []),
        (labels_changed(before=[BUG], by="project_7_bot_ab12"), []),
        (labels_changed(before=[BUG], by="service_account_ab12"), []),
        (labels_changed(before=[BUG], title=TITLES), ["edited", "labels"]),
        (labels_changed(before=[BUG], description=TITLES), ["edited", "labels"]),
        (labels_changed(before=[BUG], title=TITLES, by="project_7_bot_ab12"), ["edited"]),
        (labels_changed(before=[BUG], after=[RENAMED], title=TITLES), ["edited"]),
        (reopened(labels_changed(before=[BUG])), ["reopened", "labels"]),
        (reopened(labels_changed()), ["reopened"]),
        (closed(by="maintainer"), ["closed"]),
        (closed(by="project_7_bot_ab12"), []),
        (labels_changed(before=["bug"]), []),
        (labels_changed(before=[{"id": "1"}]), []),
        (labels_changed() | {"changes": {"labels": None}}, []),
        (labels_changed() | {"changes": {"labels": {"current": [BUG]}}}, ["labels"]),
    ],
    ids=range(18),
)
def test_a_change_of_labels_or_a_closing_by_a_person_is_a_job(
    payload: dict[str, Any], kinds: list[str]
) -> None:
    endpoint = LocalReceiver()
    assert endpoint.gitlab(payload).status_code == 202
    assert [job.kind for job in endpoint.queue.jobs.values()] == kinds


@pytest.mark.parametrize("payload", [GITLAB_PAYLOAD, labels_changed(before=[BUG])])
def test_a_hook_of_the_project_and_one_of_its_group_make_one_job(payload: dict[str, Any]) -> None:
    endpoint, body = LocalReceiver(), msgspec.json.encode(payload)
    answers = [
        endpoint.gitlab(headers={"Idempotency-Key": key}, body=body)
        for key in ("of-the-project", "of-the-group")
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len(endpoint.queue.jobs) == 1


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"action": "reopen"}, "reopened"),
        ({"action": "update"}, "edited"),
    ],
)
def test_a_reopened_or_really_edited_issue_is_a_job(changes: dict[str, Any], kind: str) -> None:
    endpoint = LocalReceiver()
    endpoint.gitlab({**with_attributes(**changes), "changes": {"description": {"previous": None}}})
    assert [delivery.kind for delivery in endpoint.queue.jobs.values()] == [kind]
