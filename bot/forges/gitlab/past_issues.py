"""A project's issues of the past on GitLab, page by page; see `IssueHistorySource`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from gitlab import Gitlab

from bot.core.training import HistoryPage
from bot.core.types import Issue, IssueRef
from bot.forges.gitlab.backend import fetch_page
from bot.forges.gitlab.issue import parse_issue
from bot.forges.gitlab.paths import format_issues_path
from bot.forges.history import ListedPage, PageRequest, read_history_page
from bot.forges.values import require_object


@dataclass(frozen=True, slots=True)
class PastIssues:
    """`pages` is a client that refuses a response of more than `PAGE_BYTES`.

    A single issue that is longer is read with `client`. `types` count as issues.
    """

    client: Gitlab
    pages: Gitlab
    types: Collection[str]

    def read(self, repository: IssueRef, cursor: str, *, labelled: bool) -> HistoryPage:
        path = format_issues_path(repository)

        def fetch(page: PageRequest) -> ListedPage:
            client = self.pages if page.size > 1 else self.client
            # Keyset pages of a project's issues are newer than most servers.
            query: dict[str, str | int] = dict(state="all", order_by="created_at", sort="desc")
            query |= {"confidential": "false"} | ({"labels": "Any"} if labelled else {})
            query |= {"page": page.number, "per_page": page.size}
            listed = fetch_page(client, path, query)
            return ListedPage(listed.items, listed.has_next, wait=listed.wait)

        def parse(item: dict[str, Any]) -> Issue:
            number = require_object("GitLab", item, "iid")["iid"]
            return parse_issue(replace(repository, number=int(number)), item, self.types)

        return read_history_page(cursor, fetch, parse, labelled=labelled)
