"""GitLab's webhook payloads and headers, from events of the state."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable
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
STATE_IDS = {True: 1, False: 2}
STATUS = {
    "status": {
        "id": "gid://gitlab/WorkItems::Statuses::SystemDefined::Status/1",
        "name": "To do",
        "category": "to_do",
        "description": None,
        "color": "#737278",
    }
}
ESCALATION = {"escalation_status": "triggered", "escalation_policy": None}
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
        "labels": _labels(serializer, repo, issue.labels, _time_format(issue)),
        "changes": _changes(event, serializer),
        "repository": _repository(serializer, repo),
    }
    return "Confidential Issue Hook" if issue.confidential else "Issue Hook", body


def _note_hook(event: Event, serializer: Serializer) -> tuple[str, Json]:
    repo, issue, comment = event.repo, event.issue, event.comment
    assert comment is not None
    body = {
        "object_kind": "note",
        "event_type": "confidential_note" if issue.confidential else "note",
        "user": user(serializer, event.actor),
        "project_id": repo.id,
        "project": project(serializer, repo),
        "object_attributes": _note(serializer, event, comment),
        "repository": _repository(serializer, repo),
        "issue": attributes(serializer, repo, issue),
    }
    return "Confidential Note Hook" if issue.confidential else "Note Hook", body


def user(serializer: Serializer, login: str) -> Json:
    full = serializer.user(login)
    fields = ("id", "name", "username", "avatar_url")
    return {key: full[key] for key in fields} | {"email": "[REDACTED]"}


def project(serializer: Serializer, repo: Repo) -> Json:
    page, ssh = serializer.page(repo), f"git@sandbox:{repo.name}.git"
    return {
        "id": repo.id,
        "name": repo.short_name,
        "description": None,
        "web_url": page,
        "avatar_url": None,
        "git_ssh_url": ssh,
        "git_http_url": f"{page}.git",
        "namespace": repo.owner,
        "visibility_level": 0 if repo.private else 20,
        "path_with_namespace": repo.name,
        "default_branch": "main",
        "ci_config_path": "",
        "homepage": page,
        "url": ssh,
        "ssh_url": ssh,
        "http_url": f"{page}.git",
    }


def _repository(serializer: Serializer, repo: Repo) -> Json:
    full = project(serializer, repo)
    return {key: full[key] for key in ("name", "url", "description", "homepage")}


def attributes(serializer: Serializer, repo: Repo, issue: Issue) -> Json:
    """Return an issue as in webhooks: it has an `author_id`, but no author's name."""
    at = _time_format(issue)
    rest = serializer.issue(repo, issue)
    unset = ("due_date", "milestone_id", "duplicated_to_id", "relative_position", "weight")
    times = ("human_total_time_spent", "human_time_change", "human_time_estimate")
    return {
        "author_id": rest["author"]["id"],
        "closed_at": at(issue.closed_at) if issue.closed_at else None,
        "confidential": issue.confidential,
        "created_at": at(issue.created_at),
        "description": issue.body,
        "discussion_locked": issue.locked or None,
        "id": issue.id,
        "iid": issue.number,
        "last_edited_at": None,
        "last_edited_by_id": None,
        "moved_to_id": rest["moved_to_id"],
        "project_id": repo.id,
        "state_id": STATE_IDS[issue.is_open],
        "time_estimate": 0,
        "title": issue.title,
        "updated_at": at(issue.updated_at),
        "updated_by_id": None,
        "health_status": None,
        "type": issue.type,
        "url": rest["web_url"],
        "total_time_spent": 0,
        "time_change": 0,
        **dict.fromkeys((*unset, *times)),
        "assignee_ids": [],
        "assignee_id": None,
        "labels": _labels(serializer, repo, issue.labels, at),
        "state": rest["state"],
        "severity": "unknown",
        "customer_relations_contacts": [],
        **(ESCALATION if issue.type == "Incident" else STATUS),
    }


def _labels(serializer: Serializer, repo: Repo, names: list[str], at: FormatTime) -> list[Json]:
    return [_label(serializer, repo, name, at) for name in names]


def _label(serializer: Serializer, repo: Repo, name: str, at: FormatTime) -> Json:
    rest, is_own = serializer.label(repo, name), name not in repo.group_labels
    group = serializer.group(repo.owner)
    return {
        "id": rest["id"],
        "title": name,
        "color": rest["color"],
        "project_id": repo.id if is_own else None,
        "created_at": at(repo.created_at),
        "updated_at": at(repo.created_at),
        "template": False,
        "description": rest["description"],
        "type": "ProjectLabel" if is_own else "GroupLabel",
        "group_id": None if is_own else group["id"],
    }


def _note(serializer: Serializer, event: Event, comment: StoredComment) -> Json:
    at, repo, issue = _time_format(event.issue), event.repo, event.issue
    edited = event.change == "comment-edited"
    unset = ("change_position", "commit_id", "line_code", "original_position", "position")
    resolved = ("resolved_at", "resolved_by_id", "resolved_by_push", "st_diff", "type")
    return {
        "author_id": serializer.state.user(comment.author).id,
        "created_at": at(comment.created_at),
        "discussion_id": f"{number_of('discussion', comment.id):040x}",
        "id": comment.id,
        "internal": False,
        "note": comment.body,
        "noteable_id": issue.id,
        "noteable_type": "Issue",
        **dict.fromkeys((*unset, *resolved)),
        "project_id": repo.id,
        "system": comment.system,
        "updated_at": at(comment.updated_at),
        "updated_by_id": serializer.state.user(event.actor).id if edited else None,
        "description": comment.body,
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
            if issue.confidential:
                pairs["confidential"] = (False, True)
        case "edited":
            pairs |= {FIELDS[key]: (old, now[FIELDS[key]]) for key, old in event.before.items()}
            pairs["last_edited_by_id"] = (None, serializer.state.user(event.actor).id)
        case "closed" | "transferred" | "reopened":
            closed = now["closed_at"] or now["updated_at"]
            pairs["closed_at"] = (None if now["closed_at"] else closed, now["closed_at"])
            pairs["state_id"] = (STATE_IDS[not issue.is_open], now["state_id"])
        case "locked":
            pairs["discussion_locked"] = (None, True)
        case "confidential":
            pairs["confidential"] = (False, True)
        case "relabeled":
            old_labels = _labels(serializer, event.repo, list(event.old_labels), at)
            pairs["labels"] = (old_labels, now["labels"])
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
        "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
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
