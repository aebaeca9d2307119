"""Changes of an issue's labels, type, comments and state, as a simulated forge keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LabelChange:
    """`actor` added the label to an issue, or removed it."""

    id: int
    label: str
    actor: str
    added: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class TypeChange:
    """`actor` replaced an issue's type, "" for none, by another one."""

    id: int
    before: str
    after: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CommentDeletion:
    """`actor` deleted a comment of an issue."""

    id: int
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """Why an issue was closed; `original` is (repository id, number) of what it duplicates.

    `reason` is GitHub's: completed, not_planned or duplicate. GitLab has duplicates only.
    """

    reason: str = "completed"
    original: tuple[int, int] | None = None


COMPLETED = Closing()
