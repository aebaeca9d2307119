"""Pages of a repository's issues, made smaller where their bodies are very long.

A cursor is the number of items before its page, or what the forge calls its cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.errors import Retry
from bot.core.training import HistoryPage
from bot.core.types import Issue
from bot.footprint import large_responses
from bot.forges.requests import MAX_BYTES, TooLong

# Each divides the one before, so that an item count is the start of a page of some size. One item
# fits into `MAX_BYTES`: GitLab's longest description has 12 MB of JSON.
PAGE_SIZES = (100, 10, 1)
# Of more than one item: decoded, a page takes four times as much memory.
PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page to read: `after` a forge's cursor, or if it is "", by `number`. Both count from 1."""

    after: str
    number: int
    size: int

    @property
    def max_bytes(self) -> int:
        return PAGE_BYTES if self.size > 1 else MAX_BYTES


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page as the forge listed it.

    `following` are the parameters of the next one, if any: its number, or as `after` the forge's
    cursor. `wait` as in `HistoryPage`; `etag`, `at` and `spacing` as in `ChangedPage`.
    """

    items: Any  # JSON objects, but for a search
    following: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    etag: str = ""
    at: float = 0.0
    spacing: float = 0.0


def read_history_page(
    cursor: str,
    fetch: Callable[[PageRequest], ListedPage],
    parse: Callable[[dict[str, Any]], Issue],
    *,
    labelled: bool = True,
) -> HistoryPage:
    """Return the page at a cursor, as `read_page`, with issues to learn from or to compare.

    Leaves out pull requests, confidential issues and work items of other types; with `labelled`,
    also issues with neither a label nor a type.
    """
    page, _ = read_page(cursor, fetch, parse)
    kept = (
        one for one in page.issues if _is_visible(one) and (one.labels or one.type or not labelled)
    )
    return replace(page, issues=tuple(kept))


def read_page(
    cursor: str,
    fetch: Callable[[PageRequest], ListedPage],
    parse: Callable[[dict[str, Any]], Issue],
) -> tuple[HistoryPage, ListedPage]:
    """Return the page at a cursor: of 100 items, or of fewer where these are too long.

    `parse` returns an issue with a bounded body. The page as it was listed has no items any more.
    """
    by_number = not cursor or cursor.isdecimal()
    start = int(cursor or 0) if by_number else 0
    for size in (size for size in PAGE_SIZES if start % size == 0):
        request = PageRequest("" if by_number else cursor, start // size + 1, size)
        try:
            with large_responses():
                listed = fetch(request)
                issues, read = tuple(map(parse, listed.items)), len(listed.items)
                # The bodies are long, and memory is returned at the end of the block.
                listed = replace(listed, items=())
        except TooLong:
            continue
        after = listed.following.get("after") or str(start + size)
        return HistoryPage(issues, read, after if listed.following else "", listed.wait), listed
    raise Retry("a single issue is longer than a response may be")


def _is_visible(issue: Issue) -> bool:
    return not (issue.is_pull_request or issue.confidential or issue.other_type)


def is_handled(data: Mapping[str, Any], *, is_open: bool) -> bool:
    """Return whether a person has closed or assigned an issue, or has set its milestone."""
    return not is_open or bool(data.get("assignees") or data.get("milestone"))
