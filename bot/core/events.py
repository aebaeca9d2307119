"""The events of issues that a delivery, or a look at a repository, reports."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.commands import CommandName
from bot.core.types import IssueRef, JobKind


@dataclass(frozen=True, slots=True)
class Event:
    """An event of an issue, of the kind of its job. Repeats of a delivery have the same id.

    - "edited": its title or body changed.
    - "labels": a person added labels to it or removed some, or changed its type.
    - "command": a person wrote the `comment` with `commands`; the job finds out whether this person
      may.
    - "missing": the issue's author wrote a comment without commands; polling does not know who.
    - "closed": a person closed it, on GitHub as a duplicate; GitLab and polling do not say why.
    - "forget": an account has ended access to repositories; the reference has the account alone.

    `labels_changed`: the delivery says too that a person changed labels.
    """

    kind: JobKind
    delivery: str
    ref: IssueRef
    labels_changed: bool = False
    comment: int = 0
    commands: tuple[CommandName, ...] = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """An authentic delivery that needs no job."""

    reason: str
