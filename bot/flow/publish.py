"""Apply a Plan: the only code that writes to an issue. Safe to run twice.

Type and labels are written before the comment, so that its marker never lists one that is not set.
Neither forge has an idempotency key for comments: after a lost response the code looks for the
comment before it writes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.core.errors import Forbidden, PermanentError, Retry, TaglineError, WriteUncertain
from bot.core.history import IssueHistory
from bot.core.journal import Write, WriteKind, WriteState
from bot.core.labels.names import fold
from bot.core.types import LabelChange, LabelSuggestion, OwnComment, Record
from bot.flow.context import Attempt
from bot.flow.load_config import save_reported_problems
from bot.flow.load_history import filter_set_by_bot, list_own_comments
from bot.flow.plan import Plan
from bot.flow.publish_suggestions import (
    replace_suggestions,
    schedule_look,
    settle_suggestions,
    suggest_type,
)

LOOK_AGAIN_SECONDS = (2.0, 5.0, 10.0)


def publish(plan: Plan, history: IssueHistory, attempt: Attempt) -> tuple[Plan, Record]:
    """Write the plan's changes; return the plan as it was written, and the record of the end.

    A label or type that the forge refuses is suggested in the comment instead. Raises `Retry` if
    the forge does not answer, or if another worker may hold the lock.
    """
    # Suggestions of earlier tries stay in the record until these have been replaced.
    plan = replace(plan, held=history.record.held if history.record else ())
    plan = _set_type(plan, history, attempt)
    unfinished = _build_unfinished(plan, history)
    # First, because GitLab allows only one label of a scope on an issue.
    remove_labels(plan.remove_labels, attempt, unfinished)
    plan = replace_suggestions(plan, history, attempt, unfinished)
    unfinished = _build_unfinished(plan, history)
    if plan.suggest or plan.held:
        schedule_look(plan.held, attempt)
    suggest_type(plan, attempt, unfinished)
    writes = attempt.journal.begin_labels("add-label", plan.add_labels, plan.choices)
    if plan.suggest:
        attempt.journal.begin_suggestions("suggest-label", plan.suggest.labels)
    attempt.save(unfinished)
    added = _add_all_labels(plan, attempt, writes)
    plan = settle_suggestions(plan, attempt)
    # Added labels are listed as removed too: a person has removed one that a later try finds
    # missing. Saving also checks the lock again before the comment is written.
    unfinished = _build_unfinished(plan, history)
    unfinished = replace(unfinished, removed=(*unfinished.removed, *added))
    if added != plan.add_labels:
        plan = plan.with_only(added)
    return plan, _write_comment(plan, history, attempt, unfinished)


def _write_comment(
    plan: Plan, history: IssueHistory, attempt: Attempt, unfinished: Record
) -> Record:
    pending = _build_unfinished(plan, history)
    ended = replace(
        pending,
        status=plan.status,
        why=plan.why,
        by_rules=pending.labels if pending.provisional else (),
        type_by_rules=pending.provisional and bool(plan.marker.type),
    )
    body = plan.comment
    if body is None:
        if plan.add_labels or plan.type_change or plan.held:
            attempt.save(unfinished)
        return ended
    try:
        comment = CommentWriter(attempt, unfinished).write(body, history.comment)
    except Forbidden as refusal:
        return replace(pending, status="skipped", why=str(refusal), source="")
    if comment is None:
        return replace(ended, status="deleted", missing=0, related=())
    save_reported_problems(plan.ref, plan.problems, attempt.context.store)
    return replace(
        ended,
        comment_id=comment.id,
        missing=len(plan.content.missing),
        related=tuple(one.candidate.number for one in plan.content.related),
    )


def _build_unfinished(plan: Plan, history: IssueHistory) -> Record:
    """Return the record for a try that has begun to write: after a crash the next one reads it."""
    before = history.record or Record("writing")
    return Record(
        status="writing",
        labels=plan.marker.labels,
        removed=tuple(history.current_labels.removed),
        by_rules=plan.marker.labels if plan.marker.provisional else history.by_rules,
        comment_id=history.comment.id if history.comment else 0,
        input=history.input,
        source=plan.marker.source,
        wait=before.wait,
        choices=plan.choices,
        held=plan.held,
        declined=before.declined,
        type=plan.type_choice,
        type_by_rules=bool(plan.marker.type) and (plan.marker.provisional or history.type_by_rules),
        commands=replace(before.commands, withdrawn=False),
        missing=before.missing,
        related=before.related,
    )


def _set_type(plan: Plan, history: IssueHistory, attempt: Attempt) -> Plan:
    """Set or replace the issue's type; return the plan without this change where it is refused.

    It comes first, soon after the issue was read: a forge does not refuse to replace a type that a
    person has just set.
    """
    change, forge = plan.type_change, attempt.forge
    if change is None:
        return plan
    if change.replaced and not _is_own_type(change.replaced, forge.list_type_changes(plan.ref)):
        return plan.without_type()
    writes = attempt.journal.begin_type(change.name, change.replaced, plan.type_choice)
    attempt.save(_build_unfinished(plan, history))
    try:
        is_set = forge.set_type(plan.ref, change.name)
    except PermanentError as refusal:
        if attempt.may_be_lag(refusal):
            raise
        is_set = False
    attempt.journal.settle(writes, "done" if is_set else "refused")
    return plan if is_set else plan.without_type()


def take_back_type(history: IssueHistory, attempt: Attempt, unfinished: Record) -> bool:
    """Remove the type that the bot set, if nobody changed it since; return whether it is gone.

    The record `unfinished` is saved before.
    """
    forge, ref, name = attempt.forge, attempt.ref, history.issue.type
    if not name or fold(name) != fold(history.own_type):
        return False
    if not _is_own_type(name, forge.list_type_changes(ref)):
        return False
    writes = attempt.journal.begin_type("", name, None)
    attempt.save(unfinished)
    try:
        is_removed = forge.set_type(ref, "")
    except Forbidden:
        is_removed = False
    attempt.journal.settle(writes, "done" if is_removed else "refused")
    return is_removed


def _is_own_type(name: str, changes: Sequence[LabelChange]) -> bool:
    last = changes[-1] if changes else None
    return bool(last and last.own and last.added and fold(last.name) == fold(name))


def remove_labels(names: tuple[str, ...], attempt: Attempt, unfinished: Record) -> tuple[str, ...]:
    """Remove those of the labels that the bot was the last to set; return the removed ones.

    The record `unfinished` is saved before.
    """
    forge, journal, ref = attempt.forge, attempt.journal, attempt.ref
    if not names or not (names := filter_set_by_bot(ref, names, forge)):
        return ()
    writes = journal.begin_labels("remove-label", names)
    attempt.save(unfinished)
    try:
        forge.remove_labels(ref, names)
    except Forbidden:
        journal.settle(writes, "refused")
        return ()
    journal.settle(writes)
    return names


def _add_all_labels(plan: Plan, attempt: Attempt, writes: Sequence[Write]) -> tuple[str, ...]:
    """Add the plan's labels and return those that could be added."""
    suggested = plan.suggest.labels if plan.suggest else ()
    if not plan.add_labels and not suggested:
        return ()
    added = _add_labels(plan.add_labels, attempt, suggested)
    for write in writes:
        attempt.journal.settle([write], "done" if write.label in added else "refused")
    return added


def _add_labels(
    names: tuple[str, ...], attempt: Attempt, suggested: tuple[LabelSuggestion, ...] = ()
) -> tuple[str, ...]:
    """Add labels and return those that could be added; with the same request suggest others."""
    try:
        return attempt.forge.add_labels(attempt.ref, names, suggested)
    except PermanentError as refusal:
        if attempt.may_be_lag(refusal):
            raise
        if not suggested:
            attempt.refusals.append(str(refusal))
    if suggested:
        return _add_labels(names, attempt) if names else ()
    if len(names) == 1:
        return ()
    # A refused label must not prevent the others.
    return tuple(added for name in names for added in _add_labels((name,), attempt))


@dataclass(frozen=True, slots=True)
class CommentWriter:
    """Writes the bot's comment on an issue, and each write into the journal.

    The record `unfinished` is saved before each. Raises `Retry` if the issue's lock was lost.
    """

    attempt: Attempt
    unfinished: Record

    def write(self, body: str, before: OwnComment | None) -> OwnComment | None:
        """Write the comment, in place of the one `before`, and return it.

        Returns None where a person has deleted that one. Raises `Retry` where the forge did not
        confirm a new comment and it cannot be found.
        """
        if before is not None and before.body.strip() == body.strip():
            self.attempt.save(self.unfinished)
            return before
        kind: WriteKind = "edit-comment" if before else "post-comment"
        writes = self.attempt.journal.begin_comment(kind, before.id if before else 0)
        self.attempt.save(self.unfinished)
        try:
            comment = self._edit(before.id, body) if before else self._post(body)
        except Forbidden:
            self.attempt.journal.settle(writes, "refused")
            raise
        state: WriteState = "done" if comment else "refused"
        self.attempt.journal.settle(writes, state, comment.id if comment else 0)
        return comment

    def _edit(self, comment_id: int, body: str) -> OwnComment | None:
        is_edited = self.attempt.forge.edit_comment(self.attempt.ref, comment_id, body)
        return OwnComment(comment_id, body) if is_edited else None

    def _post(self, body: str) -> OwnComment:
        """Post a comment and return it; delete all but the first if a race has made two."""
        try:
            posted = self.attempt.forge.post_comment(self.attempt.ref, body)
        except WriteUncertain as error:
            for seconds in LOOK_AGAIN_SECONDS:
                self.attempt.context.sleep(seconds)
                if found := self._delete_duplicates():
                    return found
            raise Retry(f"{error}, and the comment cannot be found") from None
        with suppress(TaglineError):  # the comment exists: its id has to be recorded in any case
            return self._delete_duplicates() or posted
        return posted

    def _delete_duplicates(self) -> OwnComment | None:
        comments = list_own_comments(self.attempt.ref, self.attempt.forge)
        for duplicate in comments[1:]:
            self.delete(duplicate)
        return comments[0] if comments else None

    def delete(self, comment: OwnComment) -> None:
        writes = self.attempt.journal.begin_comment("delete-comment", comment.id)
        self.attempt.save(self.unfinished)
        self.attempt.forge.delete_comment(self.attempt.ref, comment.id)
        self.attempt.journal.settle(writes)
