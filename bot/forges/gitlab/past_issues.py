"""A project's issues of the past on GitLab, page by page; see `IssueHistorySource`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gitlab import Gitlab

from bot.core.training import HistoryPage
from bot.core.types import Issue, IssueRef
from bot.forges.gitlab.backend import fetch_page
from bot.forges.gitlab.issue import parse_issue
from bot.forges.gitlab.paths import format_issues_path
from bot.forges.history import ListedPage, PageRequest, read_history_page
from bot.forges.values import require_id


@dataclass(frozen=True, slots=True)
class IssueLists:
    """`pages` is a client that refuses a response of more than `PAGE_BYTES`.

    A single issue that is longer is read with `client`. `types` count as issues.
    """

    client: Gitlab
    pages: Gitlab
    types: Collection[str]

    def read_past(self, repository: IssueRef, cursor: str, *, labelled: bool) -> HistoryPage:
        """Return the page at a cursor, the newest issues first."""
        query = {"state": "all", "order_by": "created_at", "sort": "desc", "confidential": "false"}
        query |= {"labels": "Any"} if labelled else {}

        def fetch(page: PageRequest) -> ListedPage:
            return self.fetch(repository, query, page)

        return read_history_page(cursor, fetch, partial(self.parse, repository), labelled=labelled)

    def fetch(
        self, repository: IssueRef, query: Mapping[str, str], page: PageRequest, etag: str = ""
    ) -> ListedPage:
        """Return a page of a project's issues. Raises as `fetch_page`."""
        client = self.pages if page.size > 1 else self.client
        # Keyset pages of a project's issues are newer than most servers.
        place = {"page": page.number, "per_page": page.size}
        return fetch_page(client, format_issues_path(repository), {**query, **place}, etag)

    def parse(self, repository: IssueRef, item: Mapping[str, Any]) -> Issue:
        """Return an issue in a list of its project's, with a bounded body. Raises `Retry`."""
        ref = replace(repository, number=require_id("GitLab", item, "iid"))
        return parse_issue(ref, item, self.types)
