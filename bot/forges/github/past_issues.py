"""A repository's issues of the past on GitHub, page by page; see `IssueHistorySource`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.core.training import HistoryPage
from bot.core.types import Issue, IssueRef
from bot.forges.github.client import Credential, GitHubClient, Page, format_query
from bot.forges.github.issue import parse_issue
from bot.forges.github.repository_requests import REPO, SendAbout, Variables
from bot.forges.history import ListedPage, PageRequest, read_history_page
from bot.forges.values import require_object, require_objects


def read_past_issues(
    repository: IssueRef, cursor: str, rest: GitHubClient, send_about: SendAbout, *, labelled: bool
) -> HistoryPage:
    """Return the page at a cursor; `send_about` is that of `GitHub`."""

    def fetch(page: PageRequest) -> ListedPage:
        # The links of large lists have a cursor, and pages after 10,000 items need it.
        query: dict[str, str | int] = dict(state="all", sort="created", direction="desc")
        query |= {"after": page.after} if page.after else {"page": page.number}
        query["per_page"] = page.size
        path = f"{REPO}/issues?{format_query(query)}"

        def send(values: Variables, credential: Credential) -> Page:
            return rest.page(path, values, credential, page.max_bytes)

        found = send_about(repository, path, send, query)
        listed, following = require_objects("GitHub", found.items), found.following
        return ListedPage(listed, bool(following), following.get("after", ""), found.wait)

    def parse(item: dict[str, Any]) -> Issue:
        number = require_object("GitHub", item, "number")["number"]
        return parse_issue(replace(repository, number=int(number)), item)

    return read_history_page(cursor, fetch, parse, labelled=labelled)
