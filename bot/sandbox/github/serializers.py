"""The JSON objects of GitHub's REST API and webhooks, with the fields that the product reads."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.sandbox.changes import CommentDeletion, LabelChange, TypeChange
from bot.sandbox.comments import Reaction
from bot.sandbox.state import Issue, Repo, State, StoredComment, User
from bot.sandbox.suggestions import Suggestion

Json = dict[str, Any]

TYPE_COLORS = ("gray", "blue", "green", "yellow", "orange", "red", "pink", "purple")


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    return f"{kind}_{base64.urlsafe_b64encode(number.to_bytes(8, 'big')).decode().rstrip('=')}"


@dataclass(frozen=True, slots=True)
class Serializer:
    """`api` is the base URL of the REST API, `html` that of the pages."""

    state: State
    api: str
    html: str

    def user(self, login: str) -> Json:
        return self.account(self.state.user(login), "User")

    def organization(self, login: str) -> Json:
        return self.account(self.state.user(login), "Organization")

    def account(self, user: User, kind: str) -> Json:
        return {
            "login": user.login,
            "id": user.id,
            "html_url": f"{self.html}/{quote(user.login)}",
            "type": "Bot" if user.is_bot else kind,
        }

    def content(self, repo: Repo, path: str, text: str | None) -> Json:
        """Return an entry of a folder; `text` is None for a folder."""
        data = path.encode() if text is None else f"blob {len(text.encode())}\0{text}".encode()
        sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        url = f"{self.repo_url(repo)}/contents/{quote(path)}?ref=main"
        page = "tree" if text is None else "blob"
        html = f"{self.html}/{repo.name}/{page}/main/{quote(path)}"
        git = f"{self.repo_url(repo)}/git/{page}s/{sha}"
        return {
            "type": "dir" if text is None else "file",
            "size": 0 if text is None else len(text.encode()),
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": sha,
            "url": url,
            "git_url": git,
            "html_url": html,
            "download_url": None if text is None else f"{self.html}/{repo.name}/raw/main/{path}",
            "_links": {"self": url, "git": git, "html": html},
        }

    def repo(self, repo: Repo) -> Json:
        return {
            "id": repo.id,
            "name": repo.short_name,
            "full_name": repo.name,
            "private": repo.private,
            "owner": self.organization(repo.owner),
            "html_url": f"{self.html}/{repo.name}",
            "url": self.repo_url(repo),
            "default_branch": "main",
            "archived": repo.archived,
            "disabled": False,
            "has_issues": repo.has_issues,
        }

    def repo_url(self, repo: Repo) -> str:
        return f"{self.api}/repos/{repo.name}"

    def label(self, repo: Repo, name: str) -> Json:
        number = int.from_bytes(hashlib.sha256(f"{repo.id}/{name}".encode()).digest()[:4], "big")
        return {
            "id": number,
            "name": name,
            "color": repo.colors.get(name, f"{number & 0xFFFFFF:06x}"),
            "description": repo.labels.get(name) or None,
        }

    def labels(self, repo: Repo, names: list[str]) -> list[Json]:
        return [self.label(repo, name) for name in names]

    def issue_type(self, repo: Repo, name: str) -> Json:
        """https://docs.github.com/rest/orgs/issue-types"""
        number = int.from_bytes(hashlib.sha256(f"{repo.owner}/{name}".encode()).digest()[:4], "big")
        return {
            "id": number,
            "node_id": node_id("IT", number),
            "name": name,
            "description": (repo.types or {}).get(name) or None,
            "color": TYPE_COLORS[number % len(TYPE_COLORS)],
            "is_enabled": name not in repo.disabled_types,
        }

    def issue(self, repo: Repo, issue: Issue) -> Json:
        url = f"{self.repo_url(repo)}/issues/{issue.number}"
        kind = "pull" if issue.is_pull_request else "issues"
        page = f"{self.html}/{repo.name}/{kind}/{issue.number}"
        content = {
            "id": issue.id,
            "url": url,
            "repository_url": self.repo_url(repo),
            "html_url": page,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "user": self.user(issue.author),
            "labels": self.labels(repo, issue.labels),
            "type": self.issue_type(repo, issue.issue_type) if issue.issue_type else None,
            "state": "open" if issue.is_open else "closed",
            "state_reason": None if issue.is_open else issue.closing.reason,
            "locked": issue.locked,
            "assignees": [self.user(login) for login in issue.assignees],
            "milestone": self.milestone(repo, issue.milestone) if issue.milestone else None,
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
            "closed_by": self.user(issue.closed_by) if issue.closed_by else None,
            "author_association": self.association(repo, issue.author),
        }
        if issue.is_pull_request:
            pull = url.replace("/issues/", "/pulls/")
            content["pull_request"] = {"url": pull, "html_url": page}
        return content

    def milestone(self, repo: Repo, title: str) -> Json:
        """Return a milestone; the sandbox keeps titles only."""
        number = 1 + sorted({issue.milestone for issue in repo.issues.values()} - {""}).index(title)
        return {"number": number, "title": title, "state": "open"}

    def association(self, repo: Repo, login: str) -> str:
        return "MEMBER" if login in repo.writers or login in repo.roles else "NONE"

    def label_event(self, repo: Repo, change: LabelChange, app: int) -> Json:
        """Return an issue event.

        https://docs.github.com/rest/using-the-rest-api/issue-event-types#labeled
        """
        label = self.label(repo, change.label)
        return {
            "id": change.id,
            "actor": self.user(change.actor),
            "event": "labeled" if change.added else "unlabeled",
            "created_at": stamp(change.at),
            "label": {"name": label["name"], "color": label["color"]},
            **({} if repo.automation is None else {"intent": None}),
            "performed_via_github_app": self.app(app, change.actor)
            if change.actor.endswith("[bot]")
            else None,
        }

    def deletion_event(self, repo: Repo, deletion: CommentDeletion) -> Json:
        """Return the event of a deleted comment: it does not say whose comment that was."""
        return {
            "id": deletion.id,
            "actor": self.user(deletion.actor),
            "event": "comment_deleted",
            "created_at": stamp(deletion.at),
            "performed_via_github_app": None,
        }

    def comment_event(self, repo: Repo, issue: Issue, comment: StoredComment) -> Json:
        content = self.comment(repo, issue, comment)
        return {**content, "event": "commented", "actor": content["user"]}

    def type_event(self, repo: Repo, change: TypeChange, app: int) -> Json:
        """Return an issue event.

        https://docs.github.com/rest/using-the-rest-api/issue-event-types
        """
        verb = "changed" if change.before and change.after else "added"
        names = {"issue_type": change.after, "prev_issue_type": change.before}
        types = {key: self.issue_type(repo, name) for key, name in names.items() if name}
        return {
            "id": change.id,
            "actor": self.user(change.actor),
            "event": f"issue_type_{verb if change.after else 'removed'}",
            "created_at": stamp(change.at),
            **{key: {x: one[x] for x in ("id", "name", "color")} for key, one in types.items()},
            "performed_via_github_app": self.app(app, change.actor)
            if change.actor.endswith("[bot]")
            else None,
        }

    def suggestion(self, repo: Repo, issue: Issue, one: Suggestion) -> Json:
        """https://docs.github.com/rest/issues/issues#list-issue-suggestions"""
        serialize = self.label if one.action == "add_label" else self.issue_type
        resolved_by = self.state.user(one.resolved_by).id if one.resolved_by else None
        return {
            "id": one.id,
            "issue_id": issue.id,
            "action": one.action,
            "state": one.state,
            "target_id": serialize(repo, one.target)["id"],
            "target_value": None,
            "rationale": one.rationale,
            "confidence": one.confidence and one.confidence.upper(),
            "actor_id": self.state.user(one.actor).id,
            "issue_event_id": None,
            "resolved_by": resolved_by,
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.updated_at),
        }

    def comment(self, repo: Repo, issue: Issue, comment: StoredComment) -> Json:
        url = f"{self.repo_url(repo)}/issues/comments/{comment.id}"
        page = f"{self.html}/{repo.name}/issues/{issue.number}"
        return {
            "id": comment.id,
            "url": url,
            "html_url": f"{page}#issuecomment-{comment.id}",
            "issue_url": f"{self.repo_url(repo)}/issues/{issue.number}",
            "user": self.user(comment.author),
            "body": comment.body,
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": self.association(repo, comment.author),
            "performed_via_github_app": comment.app and self.app(comment.app, comment.author),
        }

    def reaction(self, reaction: Reaction) -> Json:
        """https://docs.github.com/rest/reactions/reactions"""
        return {
            "id": reaction.id,
            "node_id": node_id("REA", reaction.id),
            "user": self.user(reaction.author),
            "content": reaction.content,
            "created_at": stamp(reaction.at),
        }

    def app(self, app_id: int, bot: str) -> Json:
        """Return the App whose account is `bot` ("slug[bot]")."""
        slug = bot.removesuffix("[bot]")
        return {"id": app_id, "slug": slug, "client_id": f"Iv23sandbox{app_id}", "name": slug}
