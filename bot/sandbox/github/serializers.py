"""The JSON objects of GitHub's REST API and webhooks, as its OpenAPI description defines them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.sandbox.github.access import BOT
from bot.sandbox.state import Issue, LabelChange, Repo, State, StoredComment, User

Json = dict[str, Any]

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
# Paths that begin with the name of their field: assignees_url, branches_url, …
REPO_PATHS = (
    "assignees{/user} branches{/branch} collaborators{/collaborator} comments{/number} "
    "commits{/sha} compare/{base}...{head} contents/{+path} contributors deployments downloads "
    "events forks hooks issues{/number} keys{/key_id} labels{/name} languages merges "
    "milestones{/number} notifications{?since,all,participating} pulls{/number} releases{/id} "
    "stargazers statuses/{sha} subscribers subscription tags teams"
)
REPO_LINKS = {
    **{re.split(r"\W", path)[0] + "_url": f"/{path}" for path in REPO_PATHS.split()},
    "archive_url": "/{archive_format}{/ref}",
    "blobs_url": "/git/blobs{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "trees_url": "/git/trees{/sha}",
}
REPO_FLAGS = dict.fromkeys(
    (
        *("fork", "has_projects", "has_downloads", "has_wiki", "has_pages", "has_discussions"),
        *("archived", "disabled"),
    ),
    False,
)
REPO_COUNTS = ("forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "size")
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


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
        return self._account(self.state.user(login), "User")

    def owner(self, repo: Repo) -> Json:
        return self.organization(repo.owner)

    def organization(self, login: str) -> Json:
        return self._account(self.state.user(login), "Organization")

    def _account(self, user: User, kind: str) -> Json:
        url = f"{self.api}/users/{quote(user.login)}"
        return {
            "login": user.login,
            "id": user.id,
            "node_id": node_id("U", user.id),
            "avatar_url": f"{self.html}/avatars/{user.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.html}/{quote(user.login)}",
            **{key: url + tail for key, tail in USER_LINKS.items()},
            "type": "Bot" if user.is_bot else kind,
            "site_admin": False,
        }

    def repo(self, repo: Repo) -> Json:
        url, page = self.repo_url(repo), f"{self.html}/{repo.name}"
        open_issues = sum(issue.is_open for issue in repo.issues.values())
        return {
            "id": repo.id,
            "node_id": node_id("R", repo.id),
            "name": repo.short_name,
            "full_name": repo.name,
            "private": repo.private,
            "visibility": "private" if repo.private else "public",
            "owner": self.owner(repo),
            "html_url": page,
            "description": None,
            "url": url,
            **{key: url + tail for key, tail in REPO_LINKS.items()},
            **REPO_FLAGS,
            "has_issues": True,
            **dict.fromkeys(REPO_COUNTS, 0),
            "git_url": f"git:{page}.git",
            "ssh_url": f"git@sandbox:{repo.name}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            "homepage": None,
            "language": None,
            "mirror_url": None,
            "license": None,
            "topics": [],
            "default_branch": "main",
            "open_issues": open_issues,
            "open_issues_count": open_issues,
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), stamp(repo.created_at)),
        }

    def full_repo(self, repo: Repo) -> Json:
        return self.repo(repo) | {"network_count": 0, "subscribers_count": 0}

    def repo_url(self, repo: Repo) -> str:
        return f"{self.api}/repos/{repo.name}"

    def label(self, repo: Repo, name: str) -> Json:
        number = int.from_bytes(hashlib.sha256(f"{repo.id}/{name}".encode()).digest()[:4], "big")
        return {
            "id": number,
            "node_id": node_id("LA", number),
            "url": f"{self.repo_url(repo)}/labels/{quote(name, safe='')}",
            "name": name,
            "color": f"{number & 0xFFFFFF:06x}",
            "default": name in ("bug", "enhancement", "documentation", "question", "wontfix"),
            "description": repo.labels.get(name) or None,
        }

    def labels(self, repo: Repo, names: list[str]) -> list[Json]:
        return [self.label(repo, name) for name in names]

    def issue(self, repo: Repo, issue: Issue) -> Json:
        url = f"{self.repo_url(repo)}/issues/{issue.number}"
        kind = "pull" if issue.is_pull_request else "issues"
        page = f"{self.html}/{repo.name}/{kind}/{issue.number}"
        content = {
            "id": issue.id,
            "node_id": node_id("I", issue.id),
            "url": url,
            "repository_url": self.repo_url(repo),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": page,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "user": self.user(issue.author),
            "labels": self.labels(repo, issue.labels),
            "state": "open" if issue.is_open else "closed",
            "state_reason": None if issue.is_open else "completed",
            "locked": issue.locked,
            "active_lock_reason": "resolved" if issue.locked else None,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
            "author_association": self.association(repo, issue.author),
            "reactions": self._reactions(url),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": None,
        }
        if issue.is_pull_request:
            content["pull_request"] = {
                "url": url.replace("/issues/", "/pulls/"),
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
            }
        return content

    def _reactions(self, url: str) -> Json:
        return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}

    def association(self, repo: Repo, login: str) -> str:
        return "MEMBER" if login in repo.writers else "NONE"

    def label_event(self, repo: Repo, change: LabelChange, app: int) -> Json:
        """Return an issue event.

        https://docs.github.com/rest/using-the-rest-api/issue-event-types#labeled
        """
        label = self.label(repo, change.label)
        return {
            "id": change.id,
            "node_id": node_id("LE" if change.added else "UNLE", change.id),
            "url": f"{self.repo_url(repo)}/issues/events/{change.id}",
            "actor": self.user(change.actor),
            "event": "labeled" if change.added else "unlabeled",
            "commit_id": None,
            "commit_url": None,
            "created_at": stamp(change.at),
            "label": {"name": label["name"], "color": label["color"]},
            "performed_via_github_app": self.app(app, BOT) if change.actor == BOT else None,
        }

    def comment(self, repo: Repo, issue: Issue, comment: StoredComment) -> Json:
        url = f"{self.repo_url(repo)}/issues/comments/{comment.id}"
        page = f"{self.html}/{repo.name}/issues/{issue.number}"
        return {
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "url": url,
            "html_url": f"{page}#issuecomment-{comment.id}",
            "issue_url": f"{self.repo_url(repo)}/issues/{issue.number}",
            "user": self.user(comment.author),
            "body": comment.body,
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": self.association(repo, comment.author),
            "reactions": self._reactions(url),
            "performed_via_github_app": comment.app and self.app(comment.app, comment.author),
        }

    def app(self, app_id: int, bot: str) -> Json:
        """Return the App whose account is `bot` ("slug[bot]")."""
        slug = bot.removesuffix("[bot]")
        return {
            "id": app_id,
            "slug": slug,
            "node_id": node_id("A", app_id),
            "client_id": f"Iv23sandbox{app_id}",
            "owner": self.user("sandbox-operator"),
            "name": slug,
            "description": None,
            "external_url": self.html,
            "html_url": f"{self.html}/apps/{slug}",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "permissions": {"issues": "write", "metadata": "read", "contents": "read"},
            "events": ["issues", "issue_comment"],
        }
