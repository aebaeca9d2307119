"""GitHub's implementation of `ChangeSource`: conditional requests for lists of changed issues.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot.core.commands import find_commands
from bot.core.errors import Forbidden, Moved, NotFound
from bot.core.polling import ChangedPage, CommandComment
from bot.core.types import IssueRef
from bot.forges.changes import read_changed_page
from bot.forges.github.api import GitHub
from bot.forges.github.auth import AppAuth
from bot.forges.github.client import Credential, format_query
from bot.forges.github.issue import is_by_person, parse_listed
from bot.forges.github.past_issues import list_issues
from bot.forges.github.paths import COMMENTS, REPO
from bot.forges.github.repository_requests import PAGE
from bot.forges.github.webhooks import COMMAND
from bot.forges.history import ListedPage, PageRequest
from bot.forges.values import require_id, require_object, require_objects, text, timestamp

MAX_PAGES = 100
INSTALLATIONS = "/app/installations"
INSTALLED = "/installation/repositories"
OF_USER = "/user/repos"
# Roles that may set labels, as the permissions of a user in a repository name them.
# https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories
LABELLING_ROLES = ("triage", "push", "maintain", "admin")
NO_ROLE = "its issues cannot be labelled with these credentials: they need the role Triage"
Json = dict[str, Any]


class GitHubChanges:
    """Implements `ChangeSource`; safe to share between threads."""

    def __init__(self, github: GitHub, host: str) -> None:
        self._github, self._api = github, github.api
        self._rest, self._auth = self._api.rest, self._api.auth
        self._host = host

    def list_repositories(self) -> tuple[IssueRef, ...]:
        found = self._list_installed() if isinstance(self._auth, AppAuth) else self._list_of_user()
        return tuple(self._make_ref(item, account) for account, item in found if not why_not(item))

    def find_repository(self, repository: IssueRef) -> IssueRef:
        try:
            ref = self._github.complete_ref(repository)
        except Moved as error:
            ref = self._find_by_id(error.repo_id)
        data = self._api.send_about(ref, REPO, partial(self._rest.call, "GET", REPO))
        if why := why_not(require_object("GitHub", data, "full_name")):
            raise Forbidden(why, refused=True)
        return ref

    def list_changed_issues(
        self, repository: IssueRef, since: float, *, etag: str = "", cursor: str = ""
    ) -> ChangedPage:
        query = {"state": "all", "sort": "updated", "direction": "desc"}
        # Whole seconds, so that the same list has the same address.
        query["since"] = format_time(since)
        condition = etag if not cursor else ""

        def fetch(page: PageRequest) -> ListedPage:
            return list_issues(repository, query, page, self._api, condition)

        return read_changed_page(cursor, fetch, partial(parse_listed, repository))

    def list_commands(self, ref: IssueRef, since: float) -> tuple[CommandComment, ...]:
        query: dict[str, str | int] = dict(since=format_time(since), per_page=PAGE)
        listed = self._api.call("GET", f"{COMMENTS}?{format_query(query)}", ref, query)
        found = (
            CommandComment(
                require_id("GitHub", one), find_commands(text(one.get("body")), [COMMAND])
            )
            for one in require_objects("GitHub", listed)
            # `since` is about the last edit; a command that was added by one does not count.
            if is_by_person(one)
            and one.get("performed_via_github_app") is None
            and timestamp(one.get("created_at")) >= int(since)
        )
        return tuple(comment for comment in found if comment.commands)

    def _list_installed(self) -> Iterator[tuple[str, Json]]:
        """Yield the repositories of each installation, with its id."""
        auth = self._auth
        assert isinstance(auth, AppAuth)
        path = f"{INSTALLATIONS}?per_page={{per_page}}&page={{page}}"
        for page in range(1, MAX_PAGES):
            values: dict[str, str | int] = {"per_page": PAGE, "page": page}
            items = auth.as_app(partial(self._rest.call, "GET", path, values))
            installations = require_objects("GitHub", items)
            for one in installations:
                if not one.get("suspended_at"):
                    account = str(require_id("GitHub", one))
                    credential = auth.installation_credential(account)
                    yield from ((account, item) for item in self._list(INSTALLED, credential))
            if len(installations) < PAGE:
                return

    def _list_of_user(self) -> Iterator[tuple[str, Json]]:
        credential = self._auth.credential(IssueRef("github", self._host, "", 0))
        yield from (("", item) for item in self._list(OF_USER, credential))

    def _list(self, path: str, credential: Credential) -> Iterator[Json]:
        path = f"{path}?per_page={{per_page}}&page={{page}}"
        for page in range(1, MAX_PAGES):
            values: dict[str, str | int] = {"per_page": PAGE, "page": page}
            found = self._rest.call("GET", path, values, credential)
            listed = found.get("repositories") if isinstance(found, Mapping) else found
            items = require_objects("GitHub", listed)
            yield from items
            if len(items) < PAGE:
                return

    def _find_by_id(self, repo_id: int) -> IssueRef:
        """Return the repository that has another name now. Raises `NotFound`."""
        for ref in self.list_repositories():
            if ref.repo_id == repo_id:
                return ref
        raise NotFound("moved elsewhere: write its present name")

    def _make_ref(self, item: Json, account: str) -> IssueRef:
        name = text(require_object("GitHub", item, "full_name")["full_name"])
        return IssueRef("github", self._host, name, 0, require_id("GitHub", item), account)


def format_time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def why_not(repository: Mapping[str, Any]) -> str:
    """Return why no issue of a repository can be answered, "" if they can.

    GitHub gives `permissions` of a user's token only.
    """
    if repository.get("archived"):
        return "it is archived: nothing can be written"
    if repository.get("disabled"):
        return "GitHub has disabled it"
    if repository.get("has_issues") is False:
        return "its issues are turned off: turn them on in the repository's settings"
    roles = repository.get("permissions")
    if isinstance(roles, Mapping) and not any(roles.get(role) for role in LABELLING_ROLES):
        return NO_ROLE
    return ""
