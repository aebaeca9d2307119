"""Recorded deliveries and hostile ones, through the door."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.client import Door, sign

DELIVERY = "0b989ba4-242f-11e5-81e1-c7b6966d2516"
NAMES = {
    "github": {"X-GitHub-Event": "issues", "X-GitHub-Delivery": DELIVERY},
    "gitlab": {"X-Gitlab-Event": "Issue Hook", "Idempotency-Key": DELIVERY},
}


def recorded(shared: Path) -> list[tuple[str, bytes]]:
    """Event names and bodies of all recorded payloads."""
    root = shared / "contracts" / "github"
    found = []
    for path in sorted(root.glob("webhooks*/**/*.json")):
        folder = path.relative_to(root).parts
        event = folder[1] if len(folder) == 3 else path.name.split(".")[0]
        found.append((event, path.read_bytes()))
    assert len(found) > 100
    return found


@pytest.mark.parametrize(("app", "jobs"), [(True, 3), (False, 7)], ids=["app", "token"])
def test_every_recorded_payload_goes_through_and_makes_the_right_jobs(
    shared: Path, app: bool, jobs: int
) -> None:
    door = Door(app=app)
    for event, body in recorded(shared):
        answer = door.github(body=body, X_GitHub_Event=event)
        assert (answer.status_code, answer.content) == (202, b""), event
    kinds = Counter(delivery.kind for delivery in door.queue.jobs.values())
    assert kinds["opened"] + kinds["reopened"] == jobs
    assert kinds["edited"] == 1


def hostile() -> list[dict[str, Any]]:
    beside = Path(__file__).resolve().parents[2].parent / "shared"
    path = beside / "attacks" / "webhooks.jsonl"
    rows = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line) for line in rows]


def content(row: dict[str, Any]) -> bytes:
    if made := row.get("body_gen"):
        text = made.get("prefix", "") + made["repeat"] * made["times"]
        text += made.get("then_repeat", "") * made.get("then_times", 0) + made.get("suffix", "")
        return str(text).encode()
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
    world = json.loads((shared / "attacks" / "context.json").read_text())
    secrets = secrets_of(world["webhook"], row["forge"])
    door = Door(secrets)
    body = content(row)
    headers = {
        "Content-Type": "application/json",
        **NAMES[row["forge"]],
        **dict(row.get("headers", [])),
    }
    for name in row.get("drop_headers", []):
        headers.pop(name)
    every = [*headers.items(), *signature(row, body, secrets)]
    answers = [
        door.request(row["method"], row.get("path", f"/webhooks/{row['forge']}"), body, every)
        for _ in range(row.get("repeat", 1))
    ]
    assert all(allowed(answer, row["expect"]) for answer in answers), answers
    assert len(door.queue.jobs) == row["enqueue"]


def secrets_of(world: dict[str, Any], forge: str) -> list[str]:
    if forge == "github":
        return list(world["github_secrets"])
    return [world["gitlab_token"]]


def allowed(answer: httpx.Response, expected: list[int | str]) -> bool:
    return answer.status_code in expected or (answer.is_success and "2xx" in expected)
