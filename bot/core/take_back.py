"""Whether the bot's work on an issue can be taken back exactly: nobody touched it since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.core.corrections import OPENING_SECONDS
from bot.core.journal import ADDING, Write, WriteKind, is_ours, list_type_writes
from bot.core.labels.names import fold
from bot.core.types import Issue, LabelChange

# What leaves something on an issue.
LEAVING: tuple[WriteKind, ...] = (*ADDING, "suggest-label", "suggest-type", "post-comment")
COMMENT_KINDS: tuple[WriteKind, ...] = ("post-comment", "edit-comment", "delete-comment")


@dataclass(frozen=True, slots=True)
class WrittenIssue:
    """An issue, the bot's writes to it, and what people did, by the forge's histories.

    `changes` and `type_changes` are all of them, oldest first. `decided` are the bot's suggestions
    that people accepted or dismissed.
    """

    issue: Issue
    writes: Sequence[Write]
    changes: Sequence[LabelChange]
    type_changes: Sequence[LabelChange] = ()
    has_comment: bool = False
    decided: Sequence[str] = ()

    @property
    def label_writes(self) -> list[Write]:
        return [one for one in self.writes if one.kind in ("add-label", "remove-label")]

    @property
    def type_writes(self) -> tuple[Write, ...]:
        return list_type_writes(self.writes)


def list_current_writes(writes: Iterable[Write]) -> tuple[Write, ...]:
    """Return the writes that may have happened, without those before the last time that the bot's
    work was taken back: its comment is deleted last then."""
    happened = [one for one in writes if one.state != "refused"]
    posted = {one.comment_id for one in happened if one.kind == "post-comment"}
    ends = (
        place
        for place, one in enumerate(happened, 1)
        if (one.kind, one.state) == ("delete-comment", "done") and one.comment_id in posted
    )
    return tuple(happened[max(ends, default=0) :])


def leaves_anything(writes: Iterable[Write]) -> bool:
    return any(one.kind in LEAVING for one in writes)


def why_left(case: WrittenIssue, since: float) -> str:
    """Return why the issue has to be left as it is, "" where all of the bot's work is to go.

    An issue is restored as a whole or not at all: no text is stored, so that an edited comment
    cannot be, and what a person did after the bot's work may have been done because of it.
    """
    if not case.writes:  # another call or a command was faster
        return "nothing to take back is left"
    labels = _find_touched(case.changes, case.label_writes, case)
    types = _find_touched(case.type_changes, case.type_writes, case)
    reasons = {
        "Tagline wrote to it before that time, too: undo from an earlier time on": any(
            one.at < since for one in case.writes
        ),
        f"people changed its labels since: {', '.join(labels)}": bool(labels),
        f"people changed its type since: {', '.join(types)}": bool(types),
        f"people decided on its suggestions: {', '.join(case.decided)}": bool(case.decided),
        "a person deleted the comment": _expects_comment(case.writes) and not case.has_comment,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _find_touched(
    changes: Sequence[LabelChange], writes: Sequence[Write], case: WrittenIssue
) -> tuple[str, ...]:
    """Return the labels or types that others than the bot changed after its first write.

    The order of the changes decides: a forge's times are whole seconds, and its clock is another.
    """
    own = [is_ours(change, writes) for change in changes]
    since = min(one.at for one in case.writes)
    start = next(
        (
            place
            for place, change in enumerate(changes)
            if own[place] and change.at >= since - OPENING_SECONDS
        ),
        None,
    )
    opened = case.issue.created_at + OPENING_SECONDS
    touched = (
        change.name or "a deleted one"
        for place, change in enumerate(changes)
        if not own[place]
        and (change.name or not change.own)  # of the bot's deleted labels GitLab has no names
        and (change.at >= max(int(since), opened) if start is None else place > start)
    )
    return tuple(dict.fromkeys(touched))


def _expects_comment(writes: Iterable[Write]) -> bool:
    """Return whether the bot's comment is on the issue unless a person deleted it."""
    last = [one for one in writes if one.kind in COMMENT_KINDS]
    return bool(last) and last[-1].kind != "delete-comment" and last[-1].state == "done"


def find_vanished(case: WrittenIssue) -> Iterator[str]:
    """Yield the labels that the bot set, and that left the issue though nobody removed them: they
    were renamed or deleted."""
    last_write = {fold(one.label): one for one in case.label_writes if one.state == "done"}
    last_change = {fold(change.name): change for change in case.changes}
    on_issue = {fold(name) for name in case.issue.labels}
    for key, write in last_write.items():
        change = last_change.get(key)
        is_removed = change is not None and not change.added
        if write.kind == "add-label" and key not in on_issue and not is_removed:
            yield write.label
