"""Endpoints that only polling calls: lists of repositories."""

from __future__ import annotations

from starlette.responses import Response

from bot.sandbox.github import api as github
from bot.sandbox.github.access import Denied
from bot.sandbox.github.api import FORBIDDEN
from bot.sandbox.github.installation import repos_of, show_repo
from bot.sandbox.gitlab import api as gitlab


def list_installed(call: github.Call) -> Response:
    """https://docs.github.com/rest/apps/installations"""
    caller = call.caller
    if caller.kind != "installation":
        raise Denied(403, "You must authenticate with an installation access token")
    repos = repos_of(call, call.github.access.installation(caller.installation))
    repos = [repo for repo in repos if caller.repos is None or repo.id in caller.repos]
    page = call.page(repos)
    content = [call.serializer.repo(repo) for repo in page.items]
    return github.success(
        {"total_count": page.total, "repositories": content}, headers=page.headers
    )


def list_of_user(call: github.Call) -> Response:
    """https://docs.github.com/rest/repos/repos#list-repositories-for-the-authenticated-user"""
    if call.caller.kind != "user":
        raise Denied(403, FORBIDDEN)
    page = call.page(call.state.repos())
    return github.success([show_repo(call, repo) for repo in page.items], headers=page.headers)


def list_projects(call: gitlab.Call) -> Response:
    """https://docs.gitlab.com/api/projects/#list-all-projects"""
    call.require_token()
    least = int(call.query("min_access_level", "0"))
    repos = [
        repo
        for repo in call.state.repos()
        if call.level(repo) >= max(least, call.query("membership") == "true")
        and call.query("archived", str(repo.archived).lower()) == str(repo.archived).lower()
        and (repo.has_issues or call.query("with_issues_enabled") != "true")
    ]
    page = call.page(sorted(repos, key=lambda repo: repo.id))
    return gitlab.list_response(page, [call.serializer.project(repo) for repo in page.items])


GITHUB_ROWS = [
    github.Row("GET", "/installation/repositories", list_installed, "token"),
    github.Row("GET", "/user/repos", list_of_user, "token"),
]
GITLAB_ROWS = [gitlab.Row("GET", "/projects", list_projects)]
