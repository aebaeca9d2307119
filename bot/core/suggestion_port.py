"""Suggestions which wait for a person's decision: their part of the `Forge` port, and the port of
the schedule by which they are looked at."""

from __future__ import annotations

from typing import Protocol

from bot.core.types import HeldSuggestion, IssueRef, LabelSuggestion


class SuggestionForge(Protocol):
    """Raises as `Forge`."""

    def takes_suggestions(self, ref: IssueRef) -> bool:
        """Return whether people can accept suggested labels and types on the forge itself."""

    def add_labels(
        self,
        ref: IssueRef,
        names: tuple[str, ...],
        suggested: tuple[LabelSuggestion, ...] = (),
    ) -> tuple[str, ...]:
        """Add labels that exist, and return those added. Never creates or replaces one.

        With the same request labels that exist are suggested, with reasons of at most 280
        characters; what became of them is listed by `list_suggestions`. Where the forge takes none,
        they are ignored.
        """

    def suggest_type(self, ref: IssueRef, suggested: LabelSuggestion) -> None:
        """Suggest a type of the repository."""

    def list_suggestions(self, ref: IssueRef, state: str) -> tuple[HeldSuggestion, ...]:
        """Return the suggestions for the issue in this state, or in "all"."""

    def dismiss_suggestion(self, ref: IssueRef, suggestion: int) -> None:
        """Dismiss a suggestion of the bot, unless a person has decided on it."""


LOOK_AGAIN_SECONDS = 86_400.0


class LookSchedule(Protocol):
    """Issues with suggestions that wait for a person: no webhook reports that one is dismissed."""

    def schedule(self, ref: IssueRef, due: float) -> None:
        """Look at the issue at this time (seconds since the epoch), and each day from then on."""

    def remove(self, ref: IssueRef) -> None: ...

    def take_due(self, now: float) -> IssueRef | None:
        """Return an issue that is due; it is due again a day later, until it is removed."""
