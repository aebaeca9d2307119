"""World → the JSON objects of GitHub's REST API and webhooks, as its description has them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot.sandbox.github.access import BOT
from bot.sandbox.state import Issue, LabelChange, Person, Repo, State, StoredComment

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
REPO_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
REPO_FLAGS = {
    "fork": False,
    "has_issues": True,
    "has_projects": False,
    "has_downloads": False,
    "has_wiki": False,
    "has_pages": False,
    "has_discussions": False,
    "archived": False,
    "disabled": False,
}
REPO_COUNTS = ("forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "size")
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    return f"{kind}_{base64.urlsafe_b64encode(number.to_bytes(8, 'big')).decode().rstrip('=')}"


@dataclass(frozen=True, slots=True)
class Serializer:
    """`api` is the base of the REST API, `html` that of the pages."""

    state: State
    api: str
    html: str

    def user(self, login: str) -> Json:
        return self._account(self.state.person(login), "User")

    def owner(self, repo: Repo) -> Json:
        return self.organization(repo.name.split("/")[0])

    def organization(self, login: str) -> Json:
        return self._account(self.state.person(login), "Organization")

    def _account(self, person: Person, kind: str) -> Json:
        url = f"{self.api}/users/{quote(person.login)}"
        return {
            "login": person.login,
            "id": person.id,
            "node_id": node_id("U", person.id),
            "avatar_url": f"{self.html}/avatars/{person.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.html}/{quote(person.login)}",
            **{key: url + tail for key, tail in USER_LINKS.items()},
            "type": "Bot" if person.is_bot else kind,
            "site_admin": False,
        }

    def repo(self, repo: Repo) -> Json:
        url, page = self.repo_url(repo), f"{self.html}/{repo.name}"
        waiting = sum(issue.is_open for issue in repo.issues.values())
        return {
            "id": repo.id,
            "node_id": node_id("R", repo.id),
            "name": repo.name.split("/")[1],
            "full_name": repo.name,
            "private": repo.private,
            "visibility": "private" if repo.private else "public",
            "owner": self.owner(repo),
            "html_url": page,
            "description": None,
            "url": url,
            **{key: url + tail for key, tail in REPO_LINKS.items()},
            **REPO_FLAGS,
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
            "open_issues": waiting,
            "open_issues_count": waiting,
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
        shape = {
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
        return shape | self._pull_request(url, page) if issue.is_pull_request else shape

    def _pull_request(self, url: str, page: str) -> Json:
        links = {
            "url": url.replace("/issues/", "/pulls/"),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
        }
        return {"pull_request": links}

    def _reactions(self, url: str) -> Json:
        return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}

    def association(self, repo: Repo, login: str) -> str:
        return "MEMBER" if login in repo.writers else "NONE"

    def label_event(self, repo: Repo, change: LabelChange, app: int) -> Json:
        """https://docs.github.com/rest/using-the-rest-api/issue-event-types#labeled"""
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
            "performed_via_github_app": self._via(comment),
        }

    def _via(self, comment: StoredComment) -> Json | None:
        return None if comment.app is None else self.app(comment.app, comment.author)

    def app(self, app_id: int, bot: str) -> Json:
        """The App behind the account `bot` ("slug[bot]")."""
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
