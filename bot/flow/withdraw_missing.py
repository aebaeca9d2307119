"""One job: the author edited the issue or commented → the comment asks only for what still lacks.

No model is called. Without a line that asks, as the record says, no request is sent either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.core.config.schema import RepoConfig
from bot.core.errors import PermanentError
from bot.core.missing_info import choose_shown
from bot.core.types import Issue, Job, Record, Status
from bot.flow.context import Attempt, JobContext, heed_rate_limits, retry_on_lag
from bot.flow.load_config import load_config_in_force
from bot.flow.load_history import find_own_comment
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.flow.publish import CommentWriter
from bot.flow.read_missing import read_missing
from bot.flow.render import asks_for_missing, replace_missing

NOTHING_ASKED = "the comment asks for nothing"


@dataclass(frozen=True, slots=True)
class _Update:
    """The number of items that the comment asks for after a job, and what this did."""

    missing: int
    why: str
    status: Status = "unchanged"


def process_edited(job: Job, context: JobContext, try_number: int = 1) -> Outcome:
    """Bring an edited issue to an end state, as `process`.

    Where `on` leaves edits out, only the line about missing information follows the edit.
    """
    outcome = process(job, context, try_number)
    if outcome.plan or not outcome.record.missing:
        return outcome
    withdrawn = withdraw_missing(job, context, try_number)
    return withdrawn if withdrawn.record.status == "updated" else outcome


def withdraw_missing(job: Job, context: JobContext, try_number: int = 1) -> Outcome:
    """Update what the comment asks for, and return the outcome. Raises `Retry`, `OperatorError`."""
    nothing = Outcome(job, Record("skipped", NOTHING_ASKED))
    record = context.store.record(job.ref.key)
    if record is None or not record.missing:
        return nothing
    with heed_rate_limits(job, context), context.store.lock(job.ref.key) as lock:
        record = lock.record
        if record is None or not record.missing:
            return nothing
        attempt = Attempt.start(job, context, lock, try_number)
        try:
            update = _update_comment(attempt, record)
        except PermanentError as error:
            retry_on_lag(error, try_number)
            update = _Update(record.missing, str(error))
        ended = replace(record, missing=update.missing)
        lock.finish(ended, attempt.journal.take_unsaved())
    return Outcome(job, replace(ended, status=update.status, why=update.why))


def _update_comment(attempt: Attempt, record: Record) -> _Update:
    """Replace the line that asks, where it says something else now. Raises as a forge."""
    context, ref = attempt.context, attempt.ref
    config = load_config_in_force(ref, context).config
    issue = context.forge.get_issue(ref)
    if reason := _why_kept(issue, config, record):
        return _Update(record.missing, reason)
    comment = find_own_comment(ref, context.forge)
    if comment is None or not asks_for_missing(comment.body):
        return _Update(0, NOTHING_ASKED)
    items = read_missing(issue, config, context.forge)
    chosen = (choice.label for choice in (*record.choices, *filter(None, [record.type])))
    names = choose_shown(items, (*issue.labels, issue.type, *chosen))
    body = replace_missing(comment.body, names)
    if body == comment.body:
        return _Update(len(names), "the report lacks the same as before")
    if CommentWriter(attempt, record).write(body, comment) is None:
        return _Update(0, "a person deleted the comment")
    return _Update(len(names), f"{record.missing} asked for before, {len(names)} now", "updated")


def _why_kept(issue: Issue, config: RepoConfig, record: Record) -> str:
    """Return why the comment stays as it is, "" if it may change."""
    reasons = {
        f"mode is {config.mode}": config.mode in ("off", "dry-run"),
        "silenced by a command": record.commands.silent,
        "a pull request": issue.is_pull_request,
        "confidential": issue.confidential,
        "closed": not issue.is_open,
        "locked": issue.locked,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
