"""Take back what the bot wrote to issues since a time, where nobody touched it since.

By the journal. Each issue is restored as a whole, under its lock, or left as it is with a reason.
Afterwards nothing is written to it again until a person asks for an answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bot.core.errors import PermanentError, RateLimited, Retry
from bot.core.labels.names import fold
from bot.core.ports import Lock
from bot.core.suggestions import review_suggestions
from bot.core.take_back import (
    WrittenIssue,
    find_vanished,
    leaves_anything,
    list_current_writes,
    why_left,
)
from bot.core.text.bounded import drop_body
from bot.core.types import Issue, IssueRef, Job, Record
from bot.flow.context import Attempt, JobContext, heed_rate_limits
from bot.flow.load_history import find_own_comment
from bot.flow.undo import load_own_work, take_back

# Within one call, for a rate limit or the lock of an issue; longer ones end it.
MAX_WAIT_SECONDS, MAX_TRIES, PAUSE_SECONDS = 90.0, 4, 2.0
NO_RECORD = "Redis has lost what Tagline knew of it"

UndoState = Literal[
    "undone",  # or would be, where nothing is applied
    "left",  # as it is, for a reason
    "unreachable",  # the forge does not have it any more, or refuses access
]


@dataclass(frozen=True, slots=True)
class UndoneIssue:
    """What became of an issue: what was undone, or why it was left. `vanished` are labels of the
    bot that were renamed or deleted meanwhile."""

    ref: IssueRef
    state: UndoState
    why: str
    vanished: tuple[str, ...] = ()


def list_written_issues(
    repository: IssueRef, since: float, context: JobContext
) -> Iterator[IssueRef]:
    """Yield the issues on which the bot's writes since a time are, by their numbers."""
    found = []
    for number, writes in context.journal.list_repository(repository.repo_key):
        current = list_current_writes(writes)
        if leaves_anything(one for one in current if one.at >= since):
            found.append(number)
    for number in sorted(found):
        ref = replace(repository, number=number)
        record = context.store.record(ref.key)
        if not (record and (record.commands.withdrawn or record.commands.undone)):
            yield ref


def undo_issue(ref: IssueRef, since: float, context: JobContext, *, applies: bool) -> UndoneIssue:
    """Take the bot's work on an issue back if that restores it; return what became of it.

    Without `applies` nothing is written, and the lock is not taken. Waits where a forge or a worker
    that has the issue requires it. Raises `Retry` and `OperatorError`; another call continues.
    """
    for number in range(1, MAX_TRIES + 1):
        try:
            return _undo_once(ref, since, context, applies=applies)
        except Retry as error:
            wait = PAUSE_SECONDS if error.after is None else error.after
            if number == MAX_TRIES or wait > MAX_WAIT_SECONDS:
                raise
            context.sleep(wait)
    raise AssertionError("unreachable")


def _undo_once(ref: IssueRef, since: float, context: JobContext, *, applies: bool) -> UndoneIssue:
    job = Job(f"undo-{uuid.uuid4()}", "command", ref, context.clock())
    try:
        with heed_rate_limits(job, context):
            if not applies:
                return _preview(ref, since, context)
            with context.store.lock(ref.key) as lock:
                return _undo_locked(job, since, context, lock)
    except PermanentError as error:
        return UndoneIssue(ref, "unreachable", str(error))


def _preview(ref: IssueRef, since: float, context: JobContext) -> UndoneIssue:
    record = context.store.record(ref.key)
    if record is None:
        return UndoneIssue(ref, "left", NO_RECORD)
    case = _read(drop_body(context.forge.get_issue(ref)), record, context)
    if why := why_left(case, since):
        return UndoneIssue(ref, "left", why, tuple(find_vanished(case)))
    return UndoneIssue(ref, "undone", _describe(case, record), tuple(find_vanished(case)))


def _describe(case: WrittenIssue, record: Record) -> str:
    """Return what would be taken back."""
    ours = {fold(one.label) for one in case.label_writes}
    labels = ", ".join(name for name in case.issue.labels if fold(name) in ours)
    parts = {
        f"labels {labels}": bool(labels),
        f"type {case.issue.type}": bool(case.issue.type and case.type_writes),
        "suggestions": any(one.state == "pending" for one in record.held),
        "comment": case.has_comment,
    }
    return ", ".join(part for part, holds in parts.items() if holds) or "nothing that is left"


def _undo_locked(job: Job, since: float, context: JobContext, lock: Lock) -> UndoneIssue:
    ref, record = job.ref, lock.record
    if record is None:
        return UndoneIssue(ref, "left", NO_RECORD)
    issue = context.forge.get_issue(ref)
    case = _read(drop_body(issue), record, context)
    vanished = tuple(find_vanished(case))
    if why := why_left(case, since):
        return UndoneIssue(ref, "left", why, vanished)
    # Its labels and its comment go; the limit for comments leaves room for both.
    turn = f"{ref.key} undo"
    if wait := context.rate_limiter.reserve(ref.account_key, turn, context.forge.rate):
        raise RateLimited("the account's rate limit is reached", wait, account_wide=False)
    attempt = Attempt.start(job, context, lock)
    history = load_own_work(issue, attempt, record)
    what = take_back(history, attempt, history.record or record)
    ended = history.ended("deleted", "undone by the operator")
    lock.finish(_clear(ended), attempt.journal.take_unsaved())
    context.looks.remove(ref)
    return UndoneIssue(ref, "undone", what, vanished)


def _clear(record: Record) -> Record:
    """Return a record as if the bot had not written to the issue, for a person who asks again."""
    return Record(
        status=record.status,
        why=record.why,
        removed=record.removed,
        input=record.input,
        source=record.source,
        delivery=record.delivery,
        declined=record.declined,
        commands=replace(record.commands, withdrawn=True),
        usage=record.usage,
    )


def _read(issue: Issue, record: Record, context: JobContext) -> WrittenIssue:
    """Return the issue with what people did. Raises the errors of a forge."""
    forge, ref = context.forge, issue.ref
    writes = context.journal.list_writes(ref.key)
    changes = forge.list_label_changes(ref)
    decided: tuple[str, ...] = ()
    if record.held or record.declined:
        review = review_suggestions(record, writes, forge.list_suggestions(ref, "all"))
        ends = (*review.approved, *review.dismissed, *record.declined)
        decided = tuple(dict.fromkeys(one.name for one in ends))
    return WrittenIssue(
        issue=issue,
        writes=list_current_writes(writes),
        changes=changes,
        type_changes=forge.list_type_changes(ref),
        has_comment=find_own_comment(ref, forge) is not None,
        decided=decided,
    )
