"""GitHub's webhook payloads and headers, from events of the state."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from bot.sandbox.github.serializers import Json, Serializer, node_id
from bot.sandbox.state import Change, Event

HOOK_ID = 4242
NAMES: dict[Change, tuple[str, str]] = {
    "opened": ("issues", "opened"),
    "edited": ("issues", "edited"),
    "closed": ("issues", "closed"),
    "reopened": ("issues", "reopened"),
    "locked": ("issues", "locked"),
    "deleted": ("issues", "deleted"),
    "transferred": ("issues", "transferred"),
    "labeled": ("issues", "labeled"),
    "unlabeled": ("issues", "unlabeled"),
    "typed": ("issues", "typed"),
    "untyped": ("issues", "untyped"),
    "commented": ("issue_comment", "created"),
    "comment-edited": ("issue_comment", "edited"),
    "comment-deleted": ("issue_comment", "deleted"),
}


def payload(event: Event, serializer: Serializer, installation_id: int) -> tuple[str, Json]:
    """Return the X-GitHub-Event header and the decoded body."""
    name, action = NAMES[event.change]
    body: Json = {
        "action": action,
        "issue": serializer.issue(event.repo, event.issue),
        "repository": serializer.repo(event.repo),
        "organization": serializer.organization(event.repo.owner),
        "sender": serializer.user(event.actor),
        "installation": {"id": installation_id, "node_id": node_id("MDIz", installation_id)},
    }
    if event.comment:
        body["comment"] = serializer.comment(event.repo, event.issue, event.comment)
    if event.type:
        body["type"] = serializer.issue_type(event.repo, event.type)
    if event.label:
        body["label"] = serializer.label(event.repo, event.label)
    return name, body | _changes(event, serializer)


def _changes(event: Event, serializer: Serializer) -> dict[str, Any]:
    if event.before:
        return {"changes": {key: {"from": value} for key, value in event.before.items()}}
    if event.other:
        side = "new" if event.change == "transferred" else "old"
        repo, issue = event.other
        moved = {
            f"{side}_issue": serializer.issue(repo, issue),
            f"{side}_repository": serializer.repo(repo),
        }
        return {"changes": moved}
    return {}


def headers(name: str, guid: str, body: bytes, secret: str, app_id: int) -> dict[str, str]:
    """Return the signed headers.

    https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
    """
    key = secret.encode()
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/5a4d0b1",
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": guid,
        "X-GitHub-Hook-ID": str(HOOK_ID),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-GitHub-Hook-Installation-Target-ID": str(app_id),
        "X-Hub-Signature": "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest(),
    }
