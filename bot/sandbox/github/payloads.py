"""Events of the world → GitHub's webhook payloads and headers."""

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
    "commented": ("issue_comment", "created"),
    "comment-edited": ("issue_comment", "edited"),
    "comment-deleted": ("issue_comment", "deleted"),
}


def payload(event: Event, serializer: Serializer, installation_id: int) -> tuple[str, Json]:
    """The X-GitHub-Event and the decoded body."""
    name, action = NAMES[event.what]
    body: Json = {
        "action": action,
        "issue": serializer.issue(event.repo, event.issue),
        "repository": serializer.repo(event.repo),
        "organization": _organization(event, serializer),
        "sender": serializer.user(event.actor),
        "installation": {"id": installation_id, "node_id": node_id("MDIz", installation_id)},
    }
    if event.comment:
        body["comment"] = serializer.comment(event.repo, event.issue, event.comment)
    if event.label:
        body["label"] = serializer.label(event.repo, event.label)
    return name, body | _changes(event, serializer)


def _changes(event: Event, serializer: Serializer) -> dict[str, Any]:
    if event.before:
        return {"changes": {key: {"from": value} for key, value in event.before.items()}}
    if event.other:
        word = "new" if event.what == "transferred" else "old"
        repo, issue = event.other
        there = {
            f"{word}_issue": serializer.issue(repo, issue),
            f"{word}_repository": serializer.repo(repo),
        }
        return {"changes": there}
    return {}


def _organization(event: Event, serializer: Serializer) -> Json:
    owner = serializer.owner(event.repo)
    url = f"{serializer.api}/orgs/{owner['login']}"
    return {
        **{key: owner[key] for key in ("login", "id", "node_id", "avatar_url")},
        "url": url,
        "description": None,
        **{f"{word}_url": f"{url}/{word}" for word in ("repos", "events", "hooks", "issues")},
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
    }


def headers(name: str, guid: str, body: bytes, secret: str, app_id: int) -> dict[str, str]:
    """https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers"""
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
