"""GitLab's implementation of `ChangeSource`, by python-gitlab.

https://docs.gitlab.com/api/issues/#list-project-issues
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gitlab.utils import EncodedId

from bot.core.commands import find_commands
from bot.core.errors import Forbidden, Moved
from bot.core.polling import ChangedPage, CommandComment
from bot.core.types import IssueRef
from bot.forges.changes import read_changed_page
from bot.forges.gitlab.backend import call, connect, fetch_page
from bot.forges.gitlab.bot_users import is_bot_user
from bot.forges.gitlab.checks import REPORTER
from bot.forges.gitlab.issue import is_public_comment
from bot.forges.gitlab.past_issues import IssueLists
from bot.forges.gitlab.paths import PAGE, format_issue_path
from bot.forges.history import PAGE_BYTES, ListedPage, PageRequest
from bot.forges.values import number, require_id, require_object, text, timestamp
from bot.http import ClientPool

MAX_PAGES = 100
PROJECTS = "/projects"
Json = dict[str, Any]


class GitLabChanges:
    """Implements `ChangeSource`; safe to share between threads. The arguments are `GitLab`'s."""

    def __init__(
        self, url: str, token: str, clients: ClientPool, types: Collection[str], host: str
    ) -> None:
        self._gl = connect(url, token, clients)
        self._lists = IssueLists(self._gl, connect(url, token, clients, PAGE_BYTES), types)
        self._host = host

    def list_repositories(self) -> tuple[IssueRef, ...]:
        query: dict[str, str | int] = {"membership": "true", "min_access_level": REPORTER}
        query |= {"archived": "false", "with_issues_enabled": "true", "simple": "true"}
        query |= {"order_by": "id", "sort": "asc", "per_page": PAGE}
        found: list[IssueRef] = []
        for page in range(1, MAX_PAGES):
            listed = fetch_page(self._gl, PROJECTS, query | {"page": page})
            found += map(self._make_ref, listed.items)
            if not listed.following:
                break
        return tuple(found)

    def find_repository(self, repository: IssueRef) -> IssueRef:
        try:
            project = self._fetch_project(repository.repo)
        except Moved as error:
            if not error.repo_id:
                raise
            project = self._fetch_project(error.repo_id)
        if why := why_not(project):
            raise Forbidden(why, refused=True)
        return self._make_ref(project)

    def list_changed_issues(
        self, repository: IssueRef, since: float, *, etag: str = "", cursor: str = ""
    ) -> ChangedPage:
        # Whole seconds, so that the same list has the same address.
        query = {"state": "all", "order_by": "updated_at", "sort": "desc"}
        query["updated_after"] = datetime.fromtimestamp(int(since), UTC).isoformat()
        query["confidential"] = "false"
        condition = etag if not cursor else ""

        def fetch(page: PageRequest) -> ListedPage:
            return self._lists.fetch(repository, query, page, condition)

        return read_changed_page(cursor, fetch, partial(self._lists.parse, repository))

    def list_commands(self, ref: IssueRef, since: float) -> tuple[CommandComment, ...]:
        query = {"activity_filter": "only_comments", "sort": "desc", "per_page": PAGE}
        listed = fetch_page(self._gl, f"{format_issue_path(ref)}/notes", query)
        found = (
            CommandComment(require_id("GitLab", note), find_commands(text(note.get("body"))))
            for note in listed.items
            if timestamp(note.get("created_at")) >= int(since)
            and is_public_comment(note)
            and not is_bot_user(text((note.get("author") or {}).get("username")))
        )
        return tuple(comment for comment in reversed([*found]) if comment.commands)

    def _fetch_project(self, project: str | int) -> Json:
        path = f"{PROJECTS}/{EncodedId(project)}"
        return require_object("GitLab", call(lambda: self._gl.http_get(path)), "id")

    def _make_ref(self, item: Json) -> IssueRef:
        path = text(require_object("GitLab", item, "path_with_namespace")["path_with_namespace"])
        return IssueRef("gitlab", self._host, path, 0, require_id("GitLab", item))


def why_not(project: Mapping[str, Any]) -> str:
    """Return why no issue of a project can be answered, "" if they can.

    https://docs.gitlab.com/api/projects/#get-a-single-project
    """
    if project.get("archived"):
        return "it is archived: nothing can be written"
    if project.get("issues_enabled") is False or project.get("issues_access_level") == "disabled":
        return "its issues are turned off: turn them on in the project's settings"
    access = project.get("permissions")
    if isinstance(access, Mapping):
        levels = (one.get("access_level") for one in access.values() if isinstance(one, Mapping))
        if max((number(level) or 0 for level in levels), default=0) < REPORTER:
            return "its issues cannot be labelled with this token: its user needs the role Reporter"
    return ""
