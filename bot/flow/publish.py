"""Apply a Plan: the only code that writes to an issue. Safe to run twice.

Labels are written before the comment, so that its marker never lists a label that is not set.
Neither forge has an idempotency key for comments: after a lost response the code looks for the
comment before it writes again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bot.core.errors import Forbidden, PermanentError, Retry, TaglineError, WriteUncertain
from bot.core.history import IssueHistory
from bot.core.ports import Forge
from bot.core.types import IssueRef, OwnComment, Record
from bot.flow.context import Attempt
from bot.flow.load_config import save_reported_problems
from bot.flow.plan import Plan
from bot.flow.render import read_marker

LOOK_AGAIN_SECONDS = (2.0, 5.0, 10.0)


def publish(plan: Plan, history: IssueHistory, attempt: Attempt) -> tuple[Plan, Record]:
    """Write the plan's changes; return the plan as it was written, and the record of the end.

    A label that the forge refuses is suggested in the comment instead. Raises `Retry` if the
    forge does not answer, or if another worker may hold the lock.
    """
    forge = attempt.context.forge
    _save_pending(plan, history, attempt)
    # First, because GitLab allows only one label of a scope on an issue.
    _remove_labels(plan, forge)
    added = _add_labels(plan.add_labels, attempt)
    if added or plan.comment_change:
        # Added labels are listed as removed too: a person has removed one that a later try finds
        # missing. Saving also checks the lock again before the comment is written.
        _save_pending(plan, history, attempt, added)
    if added != plan.add_labels:
        plan = plan.with_only(added)
    return plan, _write_comment(plan, history, attempt)


def _write_comment(plan: Plan, history: IssueHistory, attempt: Attempt) -> Record:
    context, pending = attempt.context, _build_pending_record(plan, history)
    ended = replace(
        pending,
        status=plan.status,
        why=plan.why,
        by_rules=pending.labels if pending.provisional else (),
    )
    body = plan.comment
    if body is None:
        return ended
    try:
        comment = write_comment(plan.ref, body, history.comment, context.forge, context.sleep)
    except Forbidden as refusal:
        return replace(pending, status="skipped", why=str(refusal), source="")
    if comment is None:
        return replace(ended, status="deleted")
    save_reported_problems(plan.ref, plan.problems, context.store)
    return replace(ended, comment_id=comment.id)


def _build_pending_record(plan: Plan, history: IssueHistory) -> Record:
    """Return the record for a try that has begun to write: after a crash the next one reads it."""
    return Record(
        status="writing",
        labels=plan.marker.labels,
        removed=tuple(history.current_labels.removed),
        by_rules=plan.marker.labels if plan.marker.provisional else history.by_rules,
        comment_id=history.comment.id if history.comment else 0,
        input=history.input,
        source=plan.marker.source,
        wait=history.record.wait if history.record else None,
    )


def _save_pending(
    plan: Plan, history: IssueHistory, attempt: Attempt, added: tuple[str, ...] = ()
) -> None:
    record = _build_pending_record(plan, history)
    if not attempt.lock.save(replace(record, removed=(*record.removed, *added))):
        raise Retry("the lock of this issue was lost")


def _remove_labels(plan: Plan, forge: Forge) -> None:
    """Remove the labels that no person set again during the model call."""
    if plan.remove_labels and (names := forge.filter_set_by_bot(plan.ref, plan.remove_labels)):
        with suppress(Forbidden):
            forge.remove_labels(plan.ref, names)


def _add_labels(names: tuple[str, ...], attempt: Attempt) -> tuple[str, ...]:
    """Add the labels and return those that could be added."""
    if not names:
        return ()
    try:
        return attempt.context.forge.add_labels(attempt.job.ref, names)
    except PermanentError as refusal:
        if attempt.may_be_lag(refusal):
            raise
    if len(names) == 1:
        return ()
    # A refused label must not prevent the others.
    return tuple(added for name in names for added in _add_labels((name,), attempt))


def write_comment(
    ref: IssueRef,
    body: str,
    before: OwnComment | None,
    forge: Forge,
    sleep: Callable[[float], None],
) -> OwnComment | None:
    """Write the comment, in place of the one `before`; None where a person has deleted that one.

    Raises `Retry` where the forge did not confirm a new comment and it cannot be found.
    """
    if before is None:
        return _post(ref, body, forge, sleep)
    if before.body.strip() == body.strip():
        return before
    return OwnComment(before.id, body) if forge.edit_comment(ref, before.id, body) else None


def _post(ref: IssueRef, body: str, forge: Forge, sleep: Callable[[float], None]) -> OwnComment:
    """Post a comment and return it; delete all but the first if a race has made two."""
    try:
        posted = forge.post_comment(ref, body)
    except WriteUncertain as error:
        for seconds in LOOK_AGAIN_SECONDS:
            sleep(seconds)
            if found := _delete_duplicates(ref, forge):
                return found
        raise Retry(f"{error}, and the comment cannot be found") from None
    with suppress(TaglineError):  # the comment exists: its id has to be recorded in any case
        return _delete_duplicates(ref, forge) or posted
    return posted


def own_comment(ref: IssueRef, forge: Forge) -> OwnComment | None:
    """Return the bot's comment, the first one where there are several.

    A comment without a marker is not the bot's: the owner of a personal token writes comments too.
    """
    return next(iter(_list_own_comments(ref, forge)), None)


def _delete_duplicates(ref: IssueRef, forge: Forge) -> OwnComment | None:
    comments = _list_own_comments(ref, forge)
    for duplicate in comments[1:]:
        forge.delete_comment(ref, duplicate.id)
    return comments[0] if comments else None


def _list_own_comments(ref: IssueRef, forge: Forge) -> tuple[OwnComment, ...]:
    return tuple(comment for comment in forge.list_own_comments(ref) if read_marker(comment.body))
