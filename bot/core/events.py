"""The events of issues that a delivery, or a look at a repository, reports."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.commands import CommandName
from bot.core.types import IssueRef


@dataclass(frozen=True, slots=True)
class Event:
    """An event of an issue, from an authentic delivery. Repeats of a delivery have the same id.

    `labels_changed`: the delivery says too that a person changed labels.
    """

    delivery: str
    ref: IssueRef
    labels_changed: bool = False


class IssueOpened(Event):
    __slots__ = ()


class IssueReopened(Event):
    __slots__ = ()


class IssueEdited(Event):
    """Its title or body changed."""

    __slots__ = ()


class LabelsChanged(Event):
    """A person added labels to it or removed some, or changed its type."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class IssueCommented(Event):
    """A person wrote a comment with commands; its job finds out whether this person may."""

    comment: int = 0
    commands: tuple[CommandName, ...] = ()


class AuthorCommented(Event):
    """The issue's author wrote a comment without commands; polling does not know who wrote it."""

    __slots__ = ()


class IssueClosed(Event):
    """A person closed it, on GitHub as a duplicate; GitLab and polling do not say why."""

    __slots__ = ()


class AccessRemoved(Event):
    """An account has ended access to repositories; the reference has the account alone."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """An authentic delivery that needs no job."""

    reason: str
