"""The JSON objects of GitLab's REST API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bot.sandbox.gitlab.access import Access
from bot.sandbox.state import Issue, LabelChange, Repo, State, StoredComment

Json = dict[str, Any]


def iso(at: datetime) -> str:
    """Return a time as in 2026-05-28T06:14:44.830Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def number_of(*parts: object) -> int:
    """Return an id that is the same for the same parts, in every run."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 4


@dataclass(frozen=True, slots=True)
class Serializer:
    """`base` is the URL of the simulated GitLab with its sub-path."""

    state: State
    access: Access
    base: str

    @property
    def api(self) -> str:
        return f"{self.base}/api/v4"

    def user(self, login: str) -> Json:
        return {
            "id": self.state.user(login).id,
            "username": login,
            "public_email": None,
            "name": login.replace("_", " ").title(),
            "state": "active",
            "locked": False,
            "avatar_url": None,
            "web_url": f"{self.base}/{quote(login)}",
        }

    def full_user(self, login: str) -> Json:
        """Return a user as `GET /user` has it."""
        bot = self.state.user(login).is_bot
        return self.user(login) | {"bot": bot, "bio": "", "created_at": iso(self.state.clock())}

    def member(self, repo: Repo, login: str) -> Json:
        level = self.access.level(repo, login)
        membership = {"access_level": level, "expires_at": None, "membership_state": "active"}
        return self.user(login) | membership

    def page(self, repo: Repo) -> str:
        return f"{self.base}/{repo.name}"

    def project(self, repo: Repo, level: int) -> Json:
        """Return a project; `level` is the caller's, 0 for none."""
        access = {"access_level": level, "notification_level": 3} if level else None
        return {
            "id": repo.id,
            "description": None,
            "name": repo.short_name,
            "name_with_namespace": repo.name.replace("/", " / "),
            "path": repo.short_name,
            "path_with_namespace": repo.name,
            "created_at": iso(repo.created_at),
            "default_branch": "main",
            "web_url": self.page(repo),
            "http_url_to_repo": f"{self.page(repo)}.git",
            "visibility": "private" if repo.private else "public",
            "archived": False,
            "issues_enabled": True,
            "issues_access_level": "enabled",
            "open_issues_count": sum(issue.is_open for issue in repo.issues.values()),
            "namespace": self.group(repo.owner) | {"kind": "group", "parent_id": None},
            "permissions": {"project_access": access, "group_access": None},
        }

    def group(self, path: str) -> Json:
        return {
            "id": number_of("group", path),
            "name": path.rpartition("/")[2],
            "path": path.rpartition("/")[2],
            "full_path": path,
            "web_url": f"{self.base}/groups/{path}",
        }

    def label(self, repo: Repo, name: str) -> Json:
        description = repo.all_labels.get(name) or None
        return {
            "id": number_of(repo.id, name),
            "name": name,
            "description": description,
            "description_html": description,
            "text_color": "#FFFFFF",
            "color": f"#{number_of(name) & 0xFFFFFF:06x}",
            "archived": False,
            "subscribed": False,
            "priority": None,
            "is_project_label": name in repo.labels,
        }

    def issue_page(self, repo: Repo, issue: Issue) -> str:
        kind = "work_items" if issue.type == "Task" else "issues"
        return f"{self.page(repo)}/-/{kind}/{issue.number}"

    def issue(self, repo: Repo, issue: Issue) -> Json:
        author = self.user(issue.author)
        url = f"{self.api}/projects/{repo.id}/issues/{issue.number}"
        reference = f"#{issue.number}"
        return {
            "id": issue.id,
            "iid": issue.number,
            "project_id": repo.id,
            "title": issue.title,
            "description": issue.body,
            "state": "opened" if issue.is_open else "closed",
            "created_at": iso(issue.created_at),
            "updated_at": iso(issue.updated_at),
            "closed_at": iso(issue.closed_at) if issue.closed_at else None,
            "closed_by": None if issue.is_open else author,
            "labels": sorted(issue.labels),
            "milestone": None,
            "assignees": [],
            "assignee": None,
            "author": author,
            "type": issue.type.upper(),
            "issue_type": issue.type.lower(),
            "user_notes_count": sum(not comment.system for comment in issue.comments),
            "merge_requests_count": 0,
            "upvotes": 0,
            "downvotes": 0,
            "due_date": None,
            "confidential": issue.confidential,
            "discussion_locked": issue.locked or None,
            "web_url": self.issue_page(repo, issue),
            "weight": None,
            "severity": "UNKNOWN",
            "moved_to_id": self.state.issue(*issue.moved_to).id if issue.moved_to else None,
            "imported": False,
            "references": {
                "short": reference,
                "relative": reference,
                "full": f"{repo.name}{reference}",
            },
            "_links": {
                "self": url,
                "notes": f"{url}/notes",
                "award_emoji": f"{url}/award_emoji",
                "project": f"{self.api}/projects/{repo.id}",
            },
        }

    def label_event(self, repo: Repo, issue: Issue, change: LabelChange) -> Json:
        """Return a label event; a label that does not exist any more is null.

        https://docs.gitlab.com/api/resource_label_events/
        """
        exists = change.label in repo.all_labels
        return {
            "id": change.id,
            "user": self.user(change.actor),
            "created_at": iso(change.at),
            "resource_type": "Issue",
            "resource_id": issue.id,
            "label": self.label(repo, change.label) if exists else None,
            "action": "add" if change.added else "remove",
        }

    def note(self, repo: Repo, issue: Issue, comment: StoredComment) -> Json:
        return {
            "id": comment.id,
            "type": None,
            "body": comment.body,
            "author": self.user(comment.author),
            "created_at": iso(comment.created_at),
            "updated_at": iso(comment.updated_at),
            "system": comment.system,
            "noteable_id": issue.id,
            "noteable_type": "Issue",
            "noteable_iid": issue.number,
            "project_id": repo.id,
            "resolvable": False,
            "confidential": False,
            "internal": False,
            "imported": False,
            "commands_changes": {},
        }
