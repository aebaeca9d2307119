"""The events of an issue since it was last listed, as webhooks would have reported them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.core.commands import CommandName
from bot.core.events import Event
from bot.core.history import issue_fingerprint
from bot.core.job_ids import make_opened_id
from bot.core.journal import Write
from bot.core.labels.names import fold
from bot.core.types import MAX_ISSUE_AGE_SECONDS, Issue, Record


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a repository was polled; times are the forge's, in seconds since the epoch.

    No issue opened before `began` is answered. Changes are listed from `since` on; `etag` is that
    of the first page of this list.
    """

    began: float
    since: float
    etag: str = ""


# A list may not show the bot's own writes of so many seconds.
IN_FLIGHT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An issue as it was listed at `at`, by the clock of the journal; `input` as in `Record`.

    `comments` is their number.
    """

    is_open: bool
    input: str
    labels: tuple[str, ...]
    updated_at: float
    at: float
    comments: int = 0


@dataclass(frozen=True, slots=True)
class CommandComment:
    """A comment with commands, without its text."""

    id: int
    commands: tuple[CommandName, ...]


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """A page of changed issues without their bodies.

    `read` is the number of items, and `newest` the time of the last change of any, also of those
    that are left out. `following`
    is the cursor of the next page, "" for none. `at` is the forge's time of the response, 0 if
    unknown. A request like this one may be sent every `spacing` seconds without an end of the
    forge's rate limit; 0 for one that it does not count.
    """

    issues: tuple[Issue, ...] = ()
    read: int = 0
    newest: float = 0.0
    following: str = ""
    etag: str = ""
    at: float = 0.0
    spacing: float = 0.0
    is_unchanged: bool = False


def take_snapshot(issue: Issue, at: float) -> Snapshot:
    text = issue_fingerprint(issue)
    return Snapshot(issue.is_open, text, issue.labels, issue.updated_at, at, issue.comments)


def is_young(issue: Issue, now: float) -> bool:
    return now - issue.created_at <= MAX_ISSUE_AGE_SECONDS


def is_being_written(writes: Iterable[Write], listed_at: float) -> bool:
    """Return whether a list may show the bot's work on an issue in part."""
    return any(write.at > listed_at - IN_FLIGHT_SECONDS for write in writes)


def find_events(
    issue: Issue,
    seen: Snapshot | None,
    record: Record | None,
    writes: Iterable[Write],
    cursor: Cursor,
    now: float,
) -> Iterator[Event]:
    """Yield what happened to an issue since it was `seen`, None for never.

    `now` is by the forge's clock. Changes that cancel each other out are not found. Labels of an
    issue that was not seen before count as changed where the bot has not written all of them.
    """
    has_decided = record is not None and record.has_decided
    labels = {*map(fold, issue.labels)}
    if seen is None:
        if is_young(issue, now) and issue.created_at >= cursor.began and record is None:
            yield Event("opened", make_opened_id(issue.ref), issue.ref)
        elif has_decided and labels != _apply((), writes, 0.0):
            yield Event("labels", "", issue.ref)
        return
    if is_young(issue, now) and issue.is_open and not seen.is_open:
        yield Event("reopened", _make_id("reopened", issue), issue.ref)
    text = issue_fingerprint(issue)
    if is_young(issue, now) and text != seen.input and (record is None or text != record.input):
        yield Event("edited", _make_id("edited", issue), issue.ref)
    if has_decided and labels != _apply(seen.labels, writes, seen.at):
        yield Event("labels", "", issue.ref)
    if record:
        yield from _find_events_of_comment(issue, seen, record, writes)


def _find_events_of_comment(
    issue: Issue, seen: Snapshot, record: Record, writes: Iterable[Write]
) -> Iterator[Event]:
    """Yield what happened that matters to what the bot's comment asks for or names."""
    if record.missing and issue.is_open and has_new_comments(issue, seen, writes):
        yield Event("missing", _make_id("missing", issue), issue.ref)
    if record.related and seen.is_open and not issue.is_open:
        yield Event("closed", _make_id("closed", issue), issue.ref)


def has_new_comments(issue: Issue, seen: Snapshot | None, writes: Iterable[Write]) -> bool:
    """Return whether somebody else may have commented on an issue since it was `seen`.

    A comment is not found where another one was deleted in the same time.
    """
    if seen is None:
        return issue.comments > 0
    own = Counter(write.kind for write in writes if write.at >= seen.at and write.state == "done")
    return issue.comments > seen.comments + own["post-comment"] - own["delete-comment"]


def _apply(names: Iterable[str], writes: Iterable[Write], since: float) -> set[str]:
    """Return labels, folded, with the bot's own changes since a time."""
    labels = {*map(fold, names)}
    for write in writes:
        if write.at < since or write.state == "refused":
            continue
        if write.kind == "add-label":
            labels.add(fold(write.label))
        elif write.kind == "remove-label":
            labels.discard(fold(write.label))
    return labels


def _make_id(change: str, issue: Issue) -> str:
    """Return the same id each time this state of the issue is listed."""
    digest = hashlib.sha256(f"{issue.ref.key} {issue.updated_at}".encode()).hexdigest()
    return f"{change}-{digest[:24]}"
