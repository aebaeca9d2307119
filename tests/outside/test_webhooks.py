"""Recorded and hostile GitHub deliveries at the webhook endpoints."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.outside.attacks import generated
from tests.shared import require, shared_folder
from tests.web.client import LocalReceiver, sign

DELIVERY = "0b989ba4-242f-11e5-81e1-c7b6966d2516"
NAMES = {
    "github": {"X-GitHub-Event": "issues", "X-GitHub-Delivery": DELIVERY},
    "gitlab": {"X-Gitlab-Event": "Issue Hook", "Idempotency-Key": DELIVERY},
}


# The recorded deliveries that make a job; those in `webhooks` name no installation of an App.
JOBS = {
    "webhooks/issues/opened.payload.json": "opened",
    "webhooks/issues/opened.with-empty-body.payload.json": "opened",
    "webhooks/issues/opened.with-organization.payload.json": "opened",
    "webhooks/issues/opened.with-transfer.payload.json": "opened",
    "webhooks/issues/reopened.payload.json": "reopened",
    "webhooks/issues/labeled.payload.json": "labels",
    "webhooks/issues/labeled.with-organization.payload.json": "labels",
    "webhooks/issues/unlabeled.payload.json": "labels",
    "webhooks/issues/unlabeled.with-organization.payload.json": "labels",
    "webhooks-2025/issues.edited.json": "edited",
    "webhooks-2025/issues.labeled.json": "labels",
    "webhooks-2025/issues.unlabeled.json": "labels",
    "webhooks-2026/issues.unlabeled.by-human-after-app.made.json": "labels",
    "webhooks-2025/issues.typed.json": "labels",
    "webhooks-2025/issues.untyped.json": "labels",
    "webhooks-2025/issues.opened.json": "opened",
    "webhooks-2025/issues.reopened.json": "reopened",
    # Repositories may be out of reach.
    "webhooks/installation/deleted.payload.json": "forget",
    "webhooks/installation_repositories/removed.payload.json": "forget",
    "webhooks-2025/installation.deleted.json": "forget",
    "webhooks-2025/installation.deleted-empty.json": "forget",
    "webhooks-2025/installation_repositories.removed.json": "forget",
    # By the issue's author.
    "webhooks/issue_comment/created.1.payload.json": "missing",
    "webhooks/issue_comment/created.payload.json": "missing",
    "webhooks/issue_comment/created.with-installation.payload.json": "missing",
    "webhooks/issue_comment/created.with-organization.payload.json": "missing",
    "webhooks-2025/issue_comment.created.json": "missing",
}
# Edits in which neither title nor body changed, and a label that an App set.
UNCHANGED = (
    "webhooks-2026/issues.labeled.by-app.made.json",
    "webhooks/issues/edited.payload.json",
    "webhooks/issues/edited.with-organization.payload.json",
)
ACTIONS = ("opened", "reopened", "edited", "labeled", "unlabeled", "typed", "untyped")


def recorded(shared: Path) -> dict[str, tuple[str, bytes]]:
    """Return the event names and bodies of all recorded payloads, by file."""
    root = shared / "contracts" / "github"
    payloads = {}
    for path in sorted(root.glob("webhooks*/**/*.json")):
        folder = path.relative_to(root).parts
        event = folder[1] if len(folder) == 3 else path.name.split(".")[0]
        payloads["/".join(folder)] = event, path.read_bytes()
    assert payloads.keys() > {*JOBS, *UNCHANGED}
    return payloads


def jobs_of(event: str, body: bytes) -> list[str]:
    """Return the kinds of the jobs of a delivery, which must be accepted."""
    endpoint = LocalReceiver()
    response = endpoint.github(body=body, X_GitHub_Event=event)
    assert (response.status_code, response.content) == (202, b"")
    return [delivery.kind for delivery in endpoint.queue.jobs.values()]


def test_each_event_that_tagline_reads_makes_its_job(shared: Path) -> None:
    payloads = recorded(shared)
    for name, kind in JOBS.items():
        assert jobs_of(*payloads[name]) == [kind], name


def test_every_other_recorded_payload_is_accepted_and_makes_no_job(shared: Path) -> None:
    for name, (event, body) in recorded(shared).items():
        is_issue = event == "issues" and json.loads(body)["action"] in ACTIONS
        makes_job = name in JOBS or is_issue
        if name in UNCHANGED or not makes_job:
            assert jobs_of(event, body) == [], name


def hostile() -> list[dict[str, Any]]:
    path = shared_folder() / "attacks" / "webhooks.jsonl"
    rows = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line) for line in rows]


def test_the_hostile_requests_are_available() -> None:
    require(shared_folder() / "attacks" / "webhooks.jsonl")


def content(row: dict[str, Any]) -> bytes:
    if recipe := row.get("body_gen"):
        return generated(recipe).encode()
    if encoded := row.get("body_b64"):
        return base64.b64decode(encoded)
    return str(row.get("body") or "").encode()


def signature(row: dict[str, Any], body: bytes, secrets: list[str]) -> list[tuple[str, str]]:
    kind, _, how = row["sign"].partition(":")
    if kind == "token":
        return [("X-Gitlab-Token", "wrong-wrong-wrong-wrong" if how == "wrong" else secrets[0])]
    name = "X-Hub-Signature-256"
    if kind in ("literal", "literal-latin1"):
        return [(name, how)]
    sha1 = hmac.new(secrets[0].encode(), body, hashlib.sha1).hexdigest()
    values = {
        "none": [],
        "sha1-legacy": [("X-Hub-Signature", f"sha1={sha1}")],
        "sha1-in-256": [(name, f"sha256={sha1}")],
    }
    if kind in values:
        return values[kind]
    assert kind == "sha256", kind
    keys = {"previous": secrets[1], "wrong": "wrong-wrong-wrong-wrong", "empty-key": ""}
    body = body + b"x" if how == "other-body" else body
    return [(name, sign(body, keys.get(how, secrets[0])))]


@pytest.mark.parametrize("row", hostile(), ids=lambda row: str(row["id"]))
def test_a_hostile_request_gets_its_status_and_no_job(shared: Path, row: dict[str, Any]) -> None:
    state = json.loads((shared / "attacks" / "context.json").read_text())
    secrets = secrets_of(state["webhook"], row["forge"])
    endpoint = LocalReceiver(secrets)
    body = content(row)
    headers = {
        "Content-Type": "application/json",
        **NAMES[row["forge"]],
        **dict(row.get("headers", [])),
    }
    for name in row.get("drop_headers", []):
        headers.pop(name)
    sent = [*headers.items(), *signature(row, body, secrets)]
    responses = [
        endpoint.request(row["method"], row.get("path", f"/webhooks/{row['forge']}"), body, sent)
        for _ in range(row.get("repeat", 1))
    ]
    assert all(allowed(response, row["expect"]) for response in responses), responses
    assert len(endpoint.queue.jobs) == row["enqueue"]


def secrets_of(state: dict[str, Any], forge: str) -> list[str]:
    if forge == "github":
        return list(state["github_secrets"])
    return [state["gitlab_token"]]


def allowed(response: httpx.Response, expected: list[int | str]) -> bool:
    return response.status_code in expected or (response.is_success and "2xx" in expected)
