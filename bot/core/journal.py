"""The journal of the bot's writes to a forge: what was written, how to undo it, who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from bot.core.labels.names import fold
from bot.core.types import LabelChange

WriteKind = Literal[
    "add-label",
    "remove-label",
    "set-type",
    "remove-type",
    "suggest-label",
    "suggest-type",
    "dismiss-suggestion",
    "post-comment",
    "edit-comment",
    "delete-comment",
]
ADDING: tuple[WriteKind, ...] = ("add-label", "set-type")
WriteState = Literal[
    "pending",  # about to be written; after a crash it may have happened
    "done",
    "refused",  # by the forge
]
# The write of a label that is compared with people's changes as that of a type is.
_LABEL_KINDS: dict[WriteKind, WriteKind] = {"set-type": "add-label", "remove-type": "remove-label"}
# Between the journal's clock and the forge's; the bot does not write a label twice within it.
MAX_CLOCK_SKEW_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Write:
    """One write to an issue: ids and names of labels, never text.

    `label` is the name of a label or of a type; to replace a type is to remove it and set another.
    `id` is the same in each try of a job. `at` is in seconds since the epoch, 0 until the journal
    has it. `comment_id` is 0 for a comment whose posting was not confirmed, and so is
    `suggestion_id`. `reason` is the digest of the text that a suggestion is sent with.
    """

    id: str
    kind: WriteKind
    label: str = ""
    comment_id: int = 0
    source: str = ""
    certainty: str = ""
    state: WriteState = "pending"
    at: float = 0.0
    suggestion_id: int = 0
    reason: str = ""

    @property
    def has_set_label(self) -> bool:
        """Return whether the issue got a label or a type by this write."""
        return self.kind in ADDING and self.state == "done"


def merge_states(lines: Iterable[Write]) -> tuple[Write, ...]:
    """Return each write once, as its first line has it and in the state of its last, oldest first.

    Later lines need no more than the state, and the id of the comment or suggestion.
    """
    merged: dict[str, Write] = {}
    for line in lines:
        first = merged.get(line.id, line)
        merged[line.id] = replace(
            first,
            state=line.state,
            comment_id=line.comment_id or first.comment_id,
            suggestion_id=line.suggestion_id or first.suggestion_id,
            reason=line.reason or first.reason,
        )
    return tuple(merged.values())


def list_type_writes(writes: Iterable[Write]) -> tuple[Write, ...]:
    """Return the writes of the issue's type, as those of a label with the type's name."""
    return tuple(
        replace(one, kind=_LABEL_KINDS[one.kind]) for one in writes if one.kind in _LABEL_KINDS
    )


def is_ours(change: LabelChange, writes: Iterable[Write]) -> bool:
    """Return whether the bot made a label change.

    A person whose token the bot uses has the bot's account too: that change is not in the journal.
    """
    if not change.own:
        return False
    kind: WriteKind = "add-label" if change.added else "remove-label"
    return change.by_bot or any(
        write.kind == kind
        and fold(write.label) == fold(change.name)
        and write.state != "refused"
        and abs(write.at - change.at) <= MAX_CLOCK_SKEW_SECONDS
        for write in writes
    )
