"""One look at a repository: what changed since the last one becomes the jobs of webhooks.

The cursor moves only past changes whose jobs are enqueued. A look that was interrupted is repeated,
and its jobs have the same ids.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from bot.core.errors import PermanentError
from bot.core.events import Event
from bot.core.job_ids import make_job_id
from bot.core.journal import Write
from bot.core.polling import (
    ChangedPage,
    Cursor,
    Snapshot,
    find_events,
    has_new_comments,
    is_being_written,
    is_young,
    take_snapshot,
)
from bot.core.polling_ports import ChangeSource, PollState
from bot.core.ports import Journal, Store
from bot.core.types import MAX_ISSUE_AGE_SECONDS, Issue, IssueRef, Job
from bot.flow.receive import make_jobs

# A forge's lists may lag behind, and are not exactly in the order of its clock.
OVERLAP_SECONDS = 300.0
# The same list is requested, by its ETag, until it has grown by as much.
LIST_SPAN_SECONDS, LIST_ITEMS = 3600.0, 50


@dataclass(frozen=True, slots=True)
class PollContext:
    """The ports of polling. `is_known` returns whether a repository had a job before, `enqueue`
    the id of each job, "" for one that is not queued, `clock` seconds since the epoch."""

    source: Callable[[str], ChangeSource]
    store: Store
    state: PollState
    journal: Journal
    is_known: Callable[[IssueRef], bool]
    enqueue: Callable[[Sequence[tuple[Job, float]]], Sequence[str]]
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: the number of jobs, and for how long the account should send no request
    that its forge counts."""

    jobs: int = 0
    pause: float = 0.0


def poll(repository: IssueRef, context: PollContext) -> Look:
    """Enqueue what changed in a repository since its cursor. Raises the errors of `Forge`.

    The first look begins at the present: it only remembers the issues that there are. Where
    webhooks came from the repository before, it continues a day before.
    """
    key, now = repository.repo_key, context.clock()
    cursor = context.state.cursor(key)
    since = cursor.since if cursor else now - MAX_ISSUE_AGE_SECONDS
    source = context.source(repository.forge)
    page = source.list_changed_issues(repository, since, etag=cursor.etag if cursor else "")
    if page.is_unchanged:
        return Look(pause=page.spacing)
    if cursor is None:
        at = page.at or now
        began = at - MAX_ISSUE_AGE_SECONDS if context.is_known(repository) else at
        cursor = Cursor(began, since)
        context.state.save_cursor(key, cursor)
    etag, done, read, jobs, pause = page.etag, page.newest, 0, 0, 0.0
    while True:
        pause, read = pause + page.spacing, read + page.read
        queued, left = _enqueue_events(page, cursor, context, now)
        jobs, done = jobs + queued, min(done, left)
        etag = etag if left == math.inf else ""
        if not page.following:
            break
        page = source.list_changed_issues(repository, since, cursor=page.following)
    context.state.save_cursor(key, _advance(cursor, done, read, etag))
    return Look(jobs, pause)


def _advance(cursor: Cursor, done: float, read: int, etag: str) -> Cursor:
    """Return the cursor after a look: of the same list, until that has grown long.

    `done` is the time up to which no change is left; the `etag` of a list with others is "".
    """
    since = max(done - OVERLAP_SECONDS, cursor.since)
    if read > LIST_ITEMS or since - cursor.since > LIST_SPAN_SECONDS:
        return replace(cursor, since=since, etag="")
    return replace(cursor, etag=etag)


def _enqueue_events(
    page: ChangedPage, cursor: Cursor, context: PollContext, now: float
) -> tuple[int, float]:
    """Enqueue the events of a page, then remember its issues; return the number of jobs, and the
    time of the first change that is left to the next look, infinity for none."""
    found = [_compare(issue, page, cursor, context, now) for issue in page.issues]
    ids = iter(context.enqueue([job for one in found for job in one.jobs]))
    queued, left = 0, math.inf
    for one in found:
        results = [*map(bool, islice(ids, len(one.jobs)))]
        queued += sum(results)
        if one.is_early or not all(results):
            left = min(left, one.changed_at)
        elif one.snapshot:
            context.state.save_snapshot(one.key, one.snapshot)
    return queued, left


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The jobs for an issue's events, each with the seconds until it may run; and what the next
    look compares it with, None where that is known or of no use. `is_early`: the next look has to
    compare the issue, because the bot writes to it now."""

    key: str
    changed_at: float
    jobs: tuple[tuple[Job, float], ...] = ()
    snapshot: Snapshot | None = None
    is_early: bool = False


def _compare(
    issue: Issue, page: ChangedPage, cursor: Cursor, context: PollContext, now: float
) -> _Comparison:
    key, at = issue.ref.key, page.at or now
    unchanged = _Comparison(key, issue.updated_at)
    seen = context.state.snapshot(key)
    if seen == take_snapshot(issue, seen.at if seen else now):
        return unchanged
    record = context.store.record(key)
    has_decided = record is not None and record.has_decided
    writes = context.journal.list_writes(key) if has_decided else ()
    if is_being_written(writes, now):
        return replace(unchanged, is_early=True)
    events = (
        *find_events(issue, seen, record, writes, cursor, at),
        *_find_commands(issue, seen, writes, cursor, context),
    )
    jobs = tuple(job for event in events for job in make_jobs(event, now))
    is_of_use = has_decided or is_young(issue, at) or issue.comments > 0
    return replace(unchanged, jobs=jobs, snapshot=take_snapshot(issue, now) if is_of_use else None)


def _find_commands(
    issue: Issue,
    seen: Snapshot | None,
    writes: Sequence[Write],
    cursor: Cursor,
    context: PollContext,
) -> Iterator[Event]:
    """Yield the comments with commands since the issue was seen; a webhook's has the same job."""
    if not has_new_comments(issue, seen, writes):
        return
    since = max(seen.updated_at if seen else cursor.since, cursor.began)
    with suppress(PermanentError):  # an issue that was deleted or moved since it was listed
        for one in context.source(issue.ref.forge).list_commands(issue.ref, since):
            delivery = make_job_id(f"note-{one.id}", issue.ref)
            yield Event("command", delivery, issue.ref, comment=one.id, commands=one.commands)
