"""What a probe found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.core.types import Label

MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report; `fix` is "" where nothing is to be done.

    `wrong` = it does not work like this; a fix of what is not wrong is advice.
    """

    what: str
    fix: str = ""
    wrong: bool = False

    @property
    def level(self) -> Literal["ok", "advice", "problem"]:
        if self.wrong:
            return "problem"
        return "advice" if self.fix else "ok"


def about_labels(labels: Sequence[Label]) -> Iterator[Finding]:
    """What would make the labels of a repository better."""
    bare = [label.name for label in labels if not label.description]
    if not labels:
        yield Finding("no labels", "make some: only labels that exist are set")
    elif bare:
        names = ", ".join(bare[:MOST_NAMED]) + (", ..." if len(bare) > MOST_NAMED else "")
        yield Finding(
            f"{len(bare)} of {len(labels)} labels have no description: {names}",
            "one sentence each helps the model to choose",
        )
