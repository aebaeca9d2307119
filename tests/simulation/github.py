"""GitHub's JSON objects with all fields that its OpenAPI description requires."""

from __future__ import annotations

import re
from urllib.parse import quote

from bot.sandbox.changes import LabelChange, TypeChange
from bot.sandbox.github.serializers import Json, Serializer, node_id, stamp
from bot.sandbox.state import Issue, Repo, StoredComment, User

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
ORGANIZATION_LINKS = ("hooks", "issues", "members", "public_members")
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
REPO_FLAGS = "fork has_projects has_downloads has_wiki has_pages has_discussions"
REPO_COUNTS = (
    "forks forks_count stargazers_count watchers watchers_count size network_count "
    "subscribers_count"
)
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


class FullSerializer(Serializer):
    """Adds to each object the fields that only the description asks for."""

    def account(self, user: User, kind: str) -> Json:
        url = f"{self.api}/users/{quote(user.login)}"
        return super().account(user, kind) | {
            "node_id": node_id("U", user.id),
            "avatar_url": f"{self.html}/avatars/{user.id}",
            "gravatar_id": "",
            "url": url,
            **{key: url + tail for key, tail in USER_LINKS.items()},
            "site_admin": False,
        }

    def organization(self, login: str) -> Json:
        url = f"{self.api}/orgs/{login}"
        links = {f"{name}_url": f"{url}/{name}" for name in ORGANIZATION_LINKS}
        return super().organization(login) | {"description": None, **links}

    def repo(self, repo: Repo) -> Json:
        content = super().repo(repo)
        url, page = content["url"], content["html_url"]
        # A copy: other threads open issues meanwhile.
        open_issues = sum(issue.is_open for issue in [*repo.issues.values()])
        return content | {
            "node_id": node_id("R", repo.id),
            "visibility": "private" if repo.private else "public",
            **{key: url + tail for key, tail in REPO_LINKS.items()},
            **dict.fromkeys(REPO_FLAGS.split(), False),
            **dict.fromkeys(REPO_COUNTS.split(), 0),
            "git_url": f"git:{page}.git",
            "ssh_url": f"git@sandbox:{repo.name}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            **dict.fromkeys(("description", "homepage", "language", "mirror_url", "license")),
            "topics": [],
            "open_issues": open_issues,
            "open_issues_count": open_issues,
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), stamp(repo.created_at)),
        }

    def label(self, repo: Repo, name: str) -> Json:
        content = super().label(repo, name)
        url = f"{self.repo_url(repo)}/labels/{quote(name, safe='')}"
        node = node_id("LA", content["id"])
        return content | {"node_id": node, "url": url, "default": name in ("bug", "question")}

    def issue(self, repo: Repo, issue: Issue) -> Json:
        content = super().issue(repo, issue)
        url, page = content["url"], content["html_url"]
        if issue.is_pull_request:
            links = {"diff_url": f"{page}.diff", "patch_url": f"{page}.patch"}
            content["pull_request"] |= links
        return content | {
            "node_id": node_id("I", issue.id),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "active_lock_reason": "resolved" if issue.locked else None,
            "assignee": next(iter(content["assignees"]), None),
            "performed_via_github_app": None,
            "reactions": _reactions(url),
        }

    def milestone(self, repo: Repo, title: str) -> Json:
        content = super().milestone(repo, title)
        url = f"{self.repo_url(repo)}/milestones/{content['number']}"
        return content | {
            "id": (number := 40_000 + content["number"]),
            "node_id": node_id("MI", number),
            "url": url,
            "html_url": f"{self.html}/{repo.name}/milestone/{content['number']}",
            "labels_url": f"{url}/labels",
            "description": None,
            "creator": self.user("maintainer"),
            **dict.fromkeys(("open_issues", "closed_issues"), 1),
            **dict.fromkeys(("created_at", "updated_at"), stamp(repo.created_at)),
            **dict.fromkeys(("due_on", "closed_at")),
        }

    def label_event(self, repo: Repo, change: LabelChange, app: int) -> Json:
        return super().label_event(repo, change, app) | {
            "node_id": node_id("LE" if change.added else "UNLE", change.id),
            "url": f"{self.repo_url(repo)}/issues/events/{change.id}",
            "commit_id": None,
            "commit_url": None,
        }

    def type_event(self, repo: Repo, change: TypeChange, app: int) -> Json:
        return super().type_event(repo, change, app) | {
            "node_id": node_id("ITE", change.id),
            "url": f"{self.repo_url(repo)}/issues/events/{change.id}",
            "commit_id": None,
            "commit_url": None,
        }

    def comment(self, repo: Repo, issue: Issue, comment: StoredComment) -> Json:
        content = super().comment(repo, issue, comment)
        return content | {
            "node_id": node_id("IC", comment.id),
            "reactions": _reactions(content["url"]),
        }

    def app(self, app_id: int, bot: str) -> Json:
        content = super().app(app_id, bot)
        return content | {
            "node_id": node_id("A", app_id),
            "owner": self.user("sandbox-operator"),
            "description": None,
            "external_url": self.html,
            "html_url": f"{self.html}/apps/{content['slug']}",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "permissions": {"issues": "write", "metadata": "read", "contents": "read"},
            "events": ["issues", "issue_comment"],
        }


def _reactions(url: str) -> Json:
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}
