"""The JSON objects of GitLab's REST API, with the fields that the product and the tests read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from bot.sandbox.changes import LabelChange
from bot.sandbox.comments import Reaction
from bot.sandbox.gitlab.access import Access
from bot.sandbox.state import Issue, Repo, State, StoredComment

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

    def user(self, login: str) -> Json:
        return {
            "id": self.state.user(login).id,
            "username": login,
            "name": login.replace("_", " ").title(),
            "state": "active",
            "web_url": f"{self.base}/{quote(login)}",
        }

    def member(self, repo: Repo, login: str) -> Json:
        level = self.access.level(repo, login)
        return self.user(login) | {"access_level": level, "expires_at": None}

    def page(self, repo: Repo) -> str:
        return f"{self.base}/{repo.name}"

    def project(self, repo: Repo) -> Json:
        return {
            "id": repo.id,
            "name": repo.short_name,
            "path_with_namespace": repo.name,
            "default_branch": "main",
            "web_url": self.page(repo),
            "visibility": "private" if repo.private else "public",
            "archived": repo.archived,
            "issues_template": repo.issues_template or None,
            "issues_enabled": repo.has_issues,
            "issues_access_level": "enabled" if repo.has_issues else "disabled",
        }

    def tree_entry(self, repo: Repo, path: str, text: str | None) -> Json:
        """Return an entry of a folder; `text` is None for a folder."""
        digest = hashlib.sha256(f"{repo.id} {path} {text}".encode()).hexdigest()
        return {
            "id": digest[:40],
            "name": path.rpartition("/")[2],
            "type": "tree" if text is None else "blob",
            "path": path,
            "mode": "040000" if text is None else "100644",
        }

    def label(self, repo: Repo, name: str) -> Json:
        return {
            "id": number_of(repo.id, name),
            "name": name,
            "description": repo.all_labels.get(name) or None,
            "color": f"#{repo.colors.get(name, f'{number_of(name) & 0xFFFFFF:06x}')}",
        }

    def issue_page(self, repo: Repo, issue: Issue) -> str:
        kind = "work_items" if issue.type == "Task" else "issues"
        return f"{self.page(repo)}/-/{kind}/{issue.number}"

    def issue(self, repo: Repo, issue: Issue) -> Json:
        return {
            "id": issue.id,
            "iid": issue.number,
            "project_id": repo.id,
            "title": issue.title,
            "description": issue.body,
            "state": "opened" if issue.is_open else "closed",
            "created_at": iso(issue.created_at),
            "updated_at": iso(issue.updated_at),
            "labels": sorted(issue.labels),
            "author": self.user(issue.author),
            "closed_by": self.user(issue.closed_by) if issue.closed_by else None,
            "assignees": [self.user(login) for login in issue.assignees],
            "milestone": self.milestone(repo, issue.milestone) if issue.milestone else None,
            "type": issue.type.upper(),
            "issue_type": issue.type.lower(),
            "user_notes_count": sum(not comment.system for comment in issue.comments),
            "confidential": issue.confidential,
            "discussion_locked": issue.locked or None,
            "web_url": self.issue_page(repo, issue),
            "moved_to_id": self.state.issue(*issue.moved_to).id if issue.moved_to else None,
            "references": {"full": f"{repo.name}#{issue.number}"},
            "_links": self.links(repo, issue),
        }

    def milestone(self, repo: Repo, title: str) -> Json:
        return {"id": number_of(repo.id, "milestone", title), "title": title, "state": "active"}

    def links(self, repo: Repo, issue: Issue) -> Json:
        """https://docs.gitlab.com/api/issues/#list-project-issues"""
        api = f"{self.base}/api/v4/projects"
        url, original = f"{api}/{repo.id}/issues/{issue.number}", issue.closing.original
        is_duplicate = original is not None and not issue.is_open
        return {
            "self": url,
            "notes": f"{url}/notes",
            "award_emoji": f"{url}/award_emoji",
            "project": f"{api}/{repo.id}",
            "closed_as_duplicate_of": "{}/{}/issues/{}".format(api, *original)
            if is_duplicate and original
            else None,
        }

    def label_event(self, repo: Repo, change: LabelChange) -> Json:
        """Return a label event; a label that does not exist any more is null.

        https://docs.gitlab.com/api/resource_label_events/
        """
        exists = change.label in repo.all_labels
        return {
            "id": change.id,
            "user": self.user(change.actor),
            "created_at": iso(change.at),
            "label": self.label(repo, change.label) if exists else None,
            "action": "add" if change.added else "remove",
        }

    def note(self, comment: StoredComment) -> Json:
        return {
            "id": comment.id,
            "body": comment.body,
            "author": self.user(comment.author),
            "created_at": iso(comment.created_at),
            "updated_at": iso(comment.updated_at),
            "system": comment.system,
            "internal": comment.internal,
        }

    def award_emoji(self, comment: StoredComment, reaction: Reaction) -> Json:
        """https://docs.gitlab.com/api/emoji_reactions/"""
        return {
            "id": reaction.id,
            "name": reaction.content,
            "user": self.user(reaction.author),
            "created_at": iso(reaction.at),
            "updated_at": iso(reaction.at),
            "awardable_id": comment.id,
            "awardable_type": "Note",
        }
