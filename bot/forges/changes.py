"""Pages of issues that changed, as `ChangeSource` returns them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.core.polling import ChangedPage
from bot.core.text.bounded import drop_body
from bot.core.types import Issue
from bot.forges.history import ListedPage, PageRequest, read_page
from bot.forges.requests import NotModified


def read_changed_page(
    cursor: str,
    fetch: Callable[[PageRequest], ListedPage],
    parse: Callable[[dict[str, Any]], Issue],
) -> ChangedPage:
    """Return the page at a cursor, which is of the kind that `read_page` takes.

    `fetch` raises `NotModified` for a list that is unchanged.
    """
    try:
        page, listed = read_page(cursor, fetch, lambda item: drop_body(parse(item)))
    except NotModified:
        return ChangedPage(is_unchanged=True)
    return ChangedPage(
        issues=tuple(filter(_may_have_events, page.issues)),
        read=page.read,
        newest=max((issue.updated_at for issue in page.issues), default=0.0),
        following=page.next,
        etag=listed.etag,
        at=listed.at,
        spacing=listed.spacing,
    )


def _may_have_events(issue: Issue) -> bool:
    left_out = issue.is_pull_request, issue.is_bot, issue.confidential, bool(issue.other_type)
    return not any(left_out)
