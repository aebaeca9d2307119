"""Pages of issues that changed, as `ChangeSource` returns them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.core.polling import ChangedPage
from bot.core.text.bounded import drop_body
from bot.core.types import Issue
from bot.forges.history import ListedPage, PageRequest, read_page
from bot.forges.requests import NotModified


@dataclass(frozen=True, slots=True)
class ConditionalPage:
    """A page as a forge listed it; the other fields as in `ChangedPage`."""

    listed: ListedPage
    etag: str
    at: float
    spacing: float


def read_changed_page(
    cursor: str,
    fetch: Callable[[PageRequest], ConditionalPage],
    parse: Callable[[dict[str, Any]], Issue],
) -> ChangedPage:
    """Return the page at a cursor, which is of the kind that `read_page` takes.

    `fetch` raises `NotModified` for a list that is unchanged.
    """
    etag, at, spacing = "", 0.0, 0.0

    def fetch_list(request: PageRequest) -> ListedPage:
        nonlocal etag, at, spacing
        page = fetch(request)
        etag, at, spacing = page.etag, page.at, page.spacing
        return page.listed

    try:
        page = read_page(cursor, fetch_list, lambda item: drop_body(parse(item)))
    except NotModified:
        return ChangedPage(is_unchanged=True)
    return ChangedPage(
        issues=tuple(filter(_may_have_events, page.issues)),
        read=page.read,
        newest=max((issue.updated_at for issue in page.issues), default=0.0),
        following=page.next,
        etag=etag,
        at=at,
        spacing=spacing,
    )


def _may_have_events(issue: Issue) -> bool:
    left_out = issue.is_pull_request, issue.is_bot, issue.confidential, bool(issue.other_type)
    return not any(left_out)
