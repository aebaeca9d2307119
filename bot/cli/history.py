"""Reads a repository's labelled issues for a command, with its progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from bot.core.errors import RateLimited
from bot.core.ports import IssueHistorySource
from bot.core.types import Issue, IssueRef
from bot.flow.train import MAX_EXAMPLES, MAX_READ

LINE_EVERY = 500  # issues, where standard error is no terminal
CLEAR_LINE = "\r\033[K"


def read_history(
    source: IssueHistorySource, repository: IssueRef, limit: int = MAX_EXAMPLES
) -> Iterator[Issue]:
    """Yield the newest issues that have labels, the newest first, each once.

    Reads at most `MAX_READ` issues of all kinds.
    Raises the errors of a forge; one of a rate limit says how many issues were read.
    """
    cursor, read, seen = "", 0, set[int]()
    shown = 0
    while len(seen) < limit and read < MAX_READ:
        try:
            page = source.list_labelled_issues(repository, cursor)
        except RateLimited as error:
            _end_progress()
            reason = f"{error} after {read:,} issues were read"
            raise RateLimited(reason, error.after or 0) from None
        read, cursor = read + page.read, page.next
        for issue in page.issues:
            if issue.ref.number not in seen and len(seen) < limit:
                seen.add(issue.ref.number)
                yield issue
        is_last = not cursor or len(seen) >= limit or read >= MAX_READ
        if sys.stderr.isatty() or is_last or read - shown >= LINE_EVERY:
            shown = read
            _show_progress(f"Read {read:,} issues, {len(seen):,} with labels", is_last=is_last)
        if is_last:
            return


def _show_progress(text: str, *, is_last: bool) -> None:
    if sys.stderr.isatty():
        click.echo(f"{CLEAR_LINE}{text}", err=True, nl=is_last, color=True)
    else:
        click.echo(text, err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo(err=True)
