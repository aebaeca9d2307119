"""A repository's issues of the past on GitHub, page by page; see `IssueHistorySource`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from bot.core.training import HistoryPage
from bot.core.types import IssueRef
from bot.forges.github.client import Credential, format_query
from bot.forges.github.issue import parse_listed
from bot.forges.github.paths import REPO, Variables
from bot.forges.github.repository_requests import RepositoryRequests
from bot.forges.history import ListedPage, PageRequest, read_history_page
from bot.forges.values import require_objects


def read_past_issues(
    repository: IssueRef, cursor: str, api: RepositoryRequests, *, labelled: bool
) -> HistoryPage:
    """Return the page at a cursor."""
    query = {"state": "all", "sort": "created", "direction": "desc"}

    def fetch(page: PageRequest) -> ListedPage:
        return list_issues(repository, query, page, api)

    return read_history_page(cursor, fetch, partial(parse_listed, repository), labelled=labelled)


def list_issues(
    repository: IssueRef,
    query: Mapping[str, str],
    page: PageRequest,
    api: RepositoryRequests,
    etag: str = "",
) -> ListedPage:
    """Return a page of a repository's issues. Raises as `GitHubClient.page`."""
    # The links of large lists have a cursor, and pages after 10,000 items need it.
    place = {"after": page.after} if page.after else {"page": page.number}
    values: dict[str, str | int] = {**query, **place, "per_page": page.size}
    path = f"{REPO}/issues?{format_query(values)}"

    def send(values: Variables, credential: Credential) -> ListedPage:
        return api.rest.page(path, values, credential, page.max_bytes, etag)

    listed = api.send_about(repository, path, send, values)
    return replace(listed, items=require_objects("GitHub", listed.items))
