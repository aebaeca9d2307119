"""Reads a repository's labelled issues for a command, with its progress on standard error."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap, progress
from bot.core.errors import RateLimited
from bot.core.labels.truth import is_truth
from bot.core.ports import IssueHistorySource
from bot.core.types import Issue, IssueRef
from bot.flow.train_repository import MAX_EXAMPLES, MAX_READ
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.forges.registry import ForgeClient

LINE_EVERY = 500  # issues, where standard error is no terminal
NO_REDIS = (
    "Note: Redis does not answer, so labels that Tagline set cannot be told from those of people:"
    " all labels count."
)
ECHO = "with labels that may be Tagline's, which nobody has confirmed"


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
            if sys.stderr.isatty():
                click.echo(err=True)  # ends the line of the progress
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


def read_true(
    settings: Settings,
    forge: ForgeClient,
    ref: IssueRef,
    left_out: Counter[str],
    limit: int = MAX_EXAMPLES,
) -> Iterator[Issue]:
    """Yield past issues of people whose labels are people's judgement."""
    import redis

    from bot import wiring
    from bot.flow.train_repository import look_up

    client, now = bootstrap.open_redis(settings), time.time()
    store = wiring.redis_store(client)
    try:
        state = store.training.training_state(ref.repo_key)
        since = state.since if state else now
    except redis.RedisError:
        click.echo(NO_REDIS, err=True)
        yield from read_history(forge, ref, limit)
        return
    for issue in read_history(forge, ref, limit):
        if is_truth(look_up(issue, store, store.journal), since, now):
            yield issue
        else:
            left_out[ECHO] += 1


def _show_progress(text: str, *, is_last: bool) -> None:
    if sys.stderr.isatty():
        click.echo(f"{progress.CLEAR_LINE}{text}", err=True, nl=is_last, color=True)
    else:
        click.echo(text, err=True)
