"""GitLab's webhook payloads and headers, from events of the state."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.gitlab.serializers import Json, Serializer, iso, number_of
from bot.sandbox.state import Change, Event, Issue, Repo, StoredComment

VERSION = "19.2.0-ee"
# Changes that GitLab reports, and their action; a deleted issue or note sends no webhook.
ACTIONS: dict[Change, str] = {
    "opened": "open",
    "edited": "update",
    "closed": "close",
    "transferred": "close",
    "reopened": "reopen",
    "locked": "update",
    "confidential": "update",
    "relabeled": "update",
}
NOTES: dict[Change, str] = {"commented": "create", "comment-edited": "update"}
FIELDS = {"title": "title", "body": "description"}

FormatTime = Callable[[datetime], str]


def utc(at: datetime) -> str:
    """Return a time as in 2018-03-23 17:35:53 UTC: issues use it, work items ISO 8601."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def payload(event: Event, serializer: Serializer) -> tuple[str, Json] | None:
    """Return the X-GitLab-Event header and the decoded body; None for unreported changes."""
    if event.change in NOTES:
        return _note_hook(event, serializer)
    if event.change in ACTIONS:
        return _issue_hook(event, serializer)
    return None


def _time_format(issue: Issue) -> FormatTime:
    return utc if issue.type == "Issue" else iso


def _issue_hook(event: Event, serializer: Serializer) -> tuple[str, Json]:
    repo, issue = event.repo, event.issue
    kind = "issue" if issue.type == "Issue" else "work_item"
    body = {
        "object_kind": kind,
        "event_type": f"confidential_{kind}" if issue.confidential else kind,
        "user": user(serializer, event.actor),
        "project": project(serializer, repo),
        "object_attributes": attributes(serializer, repo, issue)
        | {"action": ACTIONS[event.change]},
        "labels": _labels(serializer, repo, issue.labels),
        "changes": _changes(event, serializer),
    }
    return "Confidential Issue Hook" if issue.confidential else "Issue Hook", body


def _note_hook(event: Event, serializer: Serializer) -> tuple[str, Json]:
    repo, issue, comment = event.repo, event.issue, event.comment
    assert comment is not None
    is_confidential = issue.confidential or comment.internal
    body = {
        "object_kind": "note",
        "event_type": "confidential_note" if is_confidential else "note",
        "user": user(serializer, event.actor),
        "project_id": repo.id,
        "project": project(serializer, repo),
        "object_attributes": _note(serializer, event, comment),
        "issue": attributes(serializer, repo, issue),
    }
    return "Confidential Note Hook" if is_confidential else "Note Hook", body


def user(serializer: Serializer, login: str) -> Json:
    full = serializer.user(login)
    shown = {key: full[key] for key in ("id", "name", "username")}
    return {**shown, "avatar_url": None, "email": "[REDACTED]"}


def project(serializer: Serializer, repo: Repo) -> Json:
    return {
        "id": repo.id,
        "name": repo.short_name,
        "web_url": serializer.page(repo),
        "namespace": repo.owner,
        "path_with_namespace": repo.name,
    }


def attributes(serializer: Serializer, repo: Repo, issue: Issue) -> Json:
    """Return an issue as in webhooks: it has an `author_id`, but no author's name."""
    at = _time_format(issue)
    return {
        "author_id": serializer.state.user(issue.author).id,
        "confidential": issue.confidential,
        "created_at": at(issue.created_at),
        "description": issue.body,
        "id": issue.id,
        "iid": issue.number,
        "project_id": repo.id,
        "title": issue.title,
        "updated_at": at(issue.updated_at),
        "type": issue.type,
        "url": serializer.issue_page(repo, issue),
        "labels": _labels(serializer, repo, issue.labels),
        "state": "opened" if issue.is_open else "closed",
    }


def _labels(serializer: Serializer, repo: Repo, names: Iterable[str]) -> list[Json]:
    return [_label(serializer, repo, name) for name in names]


def _label(serializer: Serializer, repo: Repo, name: str) -> Json:
    """Return a label as in webhooks: its name is a `title`, and one of both owners is null."""
    label, of_group = serializer.label(repo, name), name in repo.group_labels
    at = utc(repo.created_at)
    return {
        "id": label["id"],
        "title": name,
        "color": label["color"],
        "project_id": None if of_group else repo.id,
        "created_at": at,
        "updated_at": at,
        "template": False,
        "description": label["description"],
        "type": "GroupLabel" if of_group else "ProjectLabel",
        "group_id": number_of(repo.owner) if of_group else None,
    }


def _note(serializer: Serializer, event: Event, comment: StoredComment) -> Json:
    at, repo, issue = _time_format(event.issue), event.repo, event.issue
    return {
        "author_id": serializer.state.user(comment.author).id,
        "created_at": at(comment.created_at),
        "id": comment.id,
        "note": comment.body,
        "noteable_id": issue.id,
        "noteable_type": "Issue",
        "project_id": repo.id,
        "system": comment.system,
        "internal": comment.internal,
        "updated_at": at(comment.updated_at),
        "url": f"{serializer.issue_page(repo, issue)}#note_{comment.id}",
        "action": NOTES[event.change],
    }


def _changes(event: Event, serializer: Serializer) -> Json:
    issue, at = event.issue, _time_format(event.issue)
    now = attributes(serializer, event.repo, issue)
    pairs: dict[str, tuple[Any, Any]] = {"updated_at": (at(issue.created_at), now["updated_at"])}
    match event.change:
        case "opened":
            names = ("author_id", "created_at", "description", "id", "iid", "project_id", "title")
            pairs = {name: (None, now[name]) for name in (*names, "updated_at")}
        case "edited":
            pairs |= {FIELDS[key]: (old, now[FIELDS[key]]) for key, old in event.before.items()}
            if event.old_labels:
                old_labels = _labels(serializer, event.repo, event.old_labels)
                pairs["labels"] = (old_labels, now["labels"])
        case "confidential":
            pairs["confidential"] = (False, True)
        case "relabeled":
            pairs["labels"] = (_labels(serializer, event.repo, event.old_labels), now["labels"])
            pairs["updated_by_id"] = (None, serializer.state.user(event.actor).id)
    return {name: {"previous": old, "current": new} for name, (old, new) in pairs.items()}


def headers(instance: str, name: str, key: str, secret: str | None) -> dict[str, str]:
    """Return all headers but the signature.

    https://docs.gitlab.com/user/project/integrations/webhooks/
    """
    common = {
        "Content-Type": "application/json",
        "User-Agent": f"GitLab/{VERSION}",
        "X-Gitlab-Event": name,
        "X-Gitlab-Instance": instance,
        "Idempotency-Key": key,
    }
    return common | {"X-Gitlab-Token": secret} if secret else common


def signature(key: str, at: int, body: bytes, token: str | None) -> dict[str, str]:
    """Return the headers of Standard Webhooks, signed with the decoded key in a `whsec_` token."""
    signed = {"webhook-id": key, "webhook-timestamp": str(at)}
    if not token:
        return signed
    secret = base64.b64decode(token.removeprefix("whsec_"))
    digest = hmac.new(secret, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()
    return signed | {"webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}
