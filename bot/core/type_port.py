"""The part of the `Forge` port that is about issue types."""

from __future__ import annotations

from typing import Protocol

from bot.core.types import IssueRef, Label, LabelChange


class TypeForge(Protocol):
    """Raises as `Forge`."""

    def list_types(self, ref: IssueRef) -> tuple[Label, ...]:
        """Return the issue types of the repository; none where the forge has labels only."""

    def set_type(self, ref: IssueRef, name: str) -> bool:
        """Set the issue's type, "" for none; return whether the issue has it then."""

    def list_type_changes(self, ref: IssueRef) -> tuple[LabelChange, ...]:
        """Return all changes of the issue's type, oldest first."""
