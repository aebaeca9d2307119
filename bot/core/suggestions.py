"""The bot's suggestions on a forge: which of them are its own, and what people decided on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.core.journal import Write, WriteKind
from bot.core.labels.names import fold
from bot.core.types import HeldSuggestion, Record

SUGGESTING: dict[WriteKind, bool] = {"suggest-label": False, "suggest-type": True}  # a type?
APPROVED = ("approved", "applied")
SuggestionKey = tuple[bool, str]  # whether it is a type, and its folded name


@dataclass(frozen=True, slots=True)
class Review:
    """What became of the bot's suggestions for an issue.

    `pending` wait for a person, or are not listed now. `approved` and `dismissed` are those that
    people decided on. `settled` are lines for the journal, about suggestions of a try that was
    interrupted.
    """

    pending: tuple[HeldSuggestion, ...]
    approved: tuple[HeldSuggestion, ...]
    dismissed: tuple[HeldSuggestion, ...]
    settled: tuple[Write, ...]

    @property
    def unrecorded(self) -> tuple[HeldSuggestion, ...]:
        """Return those whose end has to be recorded, now or later."""
        return (*self.pending, *self.approved, *self.dismissed)


def review_suggestions(
    record: Record, writes: Sequence[Write], listed: Sequence[HeldSuggestion]
) -> Review:
    """Return what became of the suggestions in the record, and of those that an interrupted try has
    left on the forge. `listed` are all that the forge has for the issue.

    What the bot dismissed itself, and what the forge replaced or invalidated, is left out.
    """
    left = find_left_over(record.held, writes, listed)
    settled = tuple(
        Write(write.id, write.kind, suggestion_id=one.id, state="done") for write, one in left
    )
    latest = {one.id: replace(one, reason="") for one in listed}
    own = [latest.get(one.id, one) for one in (*record.held, *(one for _, one in left))]
    by_bot = {x.suggestion_id for x in writes if x.kind == "dismiss-suggestion"}
    return Review(
        pending=tuple(one for one in own if one.state == "pending"),
        approved=tuple(one for one in own if one.state in APPROVED),
        dismissed=tuple(one for one in own if one.state == "dismissed" and one.id not in by_bot),
        settled=settled,
    )


def make_key(one: HeldSuggestion) -> SuggestionKey:
    return one.is_type, fold(one.name)


def list_unsettled(writes: Iterable[Write]) -> tuple[Write, ...]:
    """Return the suggestions of which it is not known whether the forge has them."""
    return tuple(one for one in writes if one.kind in SUGGESTING and one.state == "pending")


def find_left_over(
    held: Sequence[HeldSuggestion], writes: Sequence[Write], listed: Sequence[HeldSuggestion]
) -> tuple[tuple[Write, HeldSuggestion], ...]:
    """Return the suggestions of an interrupted try that the record lacks, each with its write.

    Another program may have suggested the same label: the bot's has the reason that it sent.
    """
    known = {one.id for one in held}
    unsettled = {
        (SUGGESTING[one.kind], fold(one.label), one.reason): one for one in list_unsettled(writes)
    }
    found = (
        (unsettled.get((*make_key(one), digest_reason(one.reason))), one)
        for one in listed
        if one.id not in known
    )
    return tuple((write, one) for write, one in found if write)


def digest_reason(reason: str) -> str:
    """Return a short key for the text of a suggestion, which is not stored."""
    return hashlib.sha256(reason.encode(errors="replace")).hexdigest()[:16]
