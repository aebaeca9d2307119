"""Load what the bot did with an issue before, and what people did since."""

from __future__ import annotations

from dataclasses import replace

from bot.core.history import IssueHistory, has_digests, resolve_digests
from bot.core.labels.names import fold
from bot.core.ports import Forge
from bot.core.types import IssueRef, Job, OwnComment
from bot.flow.context import JobContext
from bot.flow.render import read_marker


def find_own_comment(ref: IssueRef, forge: Forge) -> OwnComment | None:
    """Return the bot's comment, the first one where there are several.

    A comment without a marker is not the bot's: the owner of a personal token writes comments too.
    """
    return next(iter(list_own_comments(ref, forge)), None)


def list_own_comments(ref: IssueRef, forge: Forge) -> tuple[OwnComment, ...]:
    return tuple(comment for comment in forge.list_own_comments(ref) if read_marker(comment.body))


def filter_set_by_bot(ref: IssueRef, names: tuple[str, ...], forge: Forge) -> tuple[str, ...]:
    """Return those of the labels that the bot was the last to set."""
    last = {one.name: one.own for one in forge.list_label_changes(ref) if one.added}
    return tuple(name for name in names if last.get(name))


def add_own_comment(history: IssueHistory, context: JobContext) -> IssueHistory:
    """Return the history with the bot's comment as the forge shows it now."""
    comment = find_own_comment(history.issue.ref, context.forge)
    marker = read_marker(comment.body) if comment else None
    if marker and has_digests(marker):
        issue = history.issue
        names = (label.name for label in context.forge.list_labels(issue.ref))
        known = (*names, *history.applied_by_bot, *issue.labels, issue.type)
        marker = resolve_digests(marker, known)
    return replace(history, comment=comment, marker=marker)


def add_changes_by_people(job: Job, history: IssueHistory, context: JobContext) -> IssueHistory:
    """Return the history with what people did since an interrupted try, or since rules chose labels
    that a model may replace now: label changes and replies."""
    forge, ref = context.forge, job.ref
    if not context.keeps_records or job.kind == "backfill":  # no record has what was removed before
        last = {fold(one.name): one for one in forge.list_label_changes(ref)}
        removed = tuple(one.name for one in last.values() if not one.added)
        history = replace(history, removed=removed)
    if context.labels_only or not (context.keeps_records or context.posts):
        history = replace(history, keeps_silent=True)
    if not context.keeps_records:
        return history
    if history.maybe_added:
        history = history.with_removed(filter_set_by_bot(ref, history.maybe_added, forge))
    if history.needs_type_changes:
        history = replace(history, type_changes=forge.list_type_changes(ref))
    if not context.models or not history.record:
        return history
    replaceable = filter_set_by_bot(ref, history.by_rules, forge) if history.by_rules else ()
    if job.kind == "heal" and history.comment is None and forge.has_member_reply(ref):
        history = replace(history, keeps_silent=True)
    return replace(history, replaceable=replaceable)
