"""Take the bot's work on an issue back: its labels and type that nobody touched since, its pending
suggestions, and its comment."""

from __future__ import annotations

from dataclasses import replace

from bot.core.history import IssueHistory, issue_fingerprint
from bot.core.labels.names import fold
from bot.core.text.bounded import drop_body
from bot.core.text.numbers import format_count
from bot.core.types import Issue, Record
from bot.flow.context import Attempt
from bot.flow.load_config import load_config_in_force
from bot.flow.load_history import add_own_comment
from bot.flow.publish import CommentWriter, remove_labels, take_back_type
from bot.flow.publish_suggestions import dismiss_suggestion, load_suggestions, schedule_look
from bot.flow.record_duplicate import record_verdict


def undo(attempt: Attempt, record: Record) -> tuple[Record, str]:
    """Return the record of the end, which keeps the bot from writing again, and what was undone.

    Safe to run twice: labels and type go first, because the comment's marker lists them.
    """
    history = load_own_work(attempt.forge.get_issue(attempt.ref), attempt, record)
    record = history.record or record
    if not (history.comment or history.applied_by_bot or history.own_type or record.held):
        return record, "there is nothing to undo"
    if record.related and history.comment:
        # First: a further try would find no comment any more.
        context, ref = attempt.context, attempt.ref
        record_verdict(ref, "corrected", load_config_in_force(ref, context), context)
    what = take_back(history, attempt, record)
    ended = history.ended("deleted", "undone by a command")
    commands = replace(ended.commands, undone=True)
    decided = tuple(one for one in record.held if one.state != "pending")
    ended = replace(ended, by_rules=(), type_by_rules=False, held=decided, wait=None)
    if decided:
        schedule_look(decided, attempt)
    return replace(ended, commands=commands, missing=0), what


def load_own_work(issue: Issue, attempt: Attempt, record: Record) -> IssueHistory:
    """Return the history of an issue with the bot's comment and suggestions as they are now."""
    history = IssueHistory(drop_body(issue), issue_fingerprint(issue), record)
    return load_suggestions(add_own_comment(history, attempt.context), attempt)


def take_back(history: IssueHistory, attempt: Attempt, record: Record) -> str:
    """Remove the bot's labels and type that nobody touched since, dismiss its pending suggestions
    and delete its comment; return what was undone. `record` is saved meanwhile."""
    context, ref = attempt.context, attempt.ref
    attempt.journal.settle_earlier(history)
    ours = {fold(name) for name in history.applied_by_bot}
    on_issue = tuple(name for name in history.issue.labels if fold(name) in ours)
    removed = remove_labels(on_issue, attempt, record)
    results = [f"{format_count(len(removed), 'label')} removed"]
    if take_back_type(history, attempt, record):
        results.append("its type removed")
    pending = [one for one in record.held if one.state == "pending"]
    for one in pending:
        dismiss_suggestion(one, attempt, record)
    if pending:
        results.append("suggestions dismissed")
    if history.comment:
        CommentWriter(attempt, record).delete(history.comment)
    context.model_retries.cancel(ref)
    results.append(f"{format_count(int(bool(history.comment)), 'comment')} deleted")
    return ", ".join(results)
