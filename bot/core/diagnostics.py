"""Results of the checks of `tagline check`, and how to fix what they report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.core.types import Label

MAX_NAMES = 10
MAX_EXCERPT = 200  # characters


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report. `fix` is the instruction for it, "" for none.

    `wrong` is True if Tagline cannot work like this; otherwise `fix` is advice.
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
    """Yield advice on a repository's labels."""
    undescribed = [label.name for label in labels if not label.description]
    if not labels:
        yield Finding("no labels", "create labels; only labels that exist are set")
    elif undescribed:
        more = ["..."] if len(undescribed) > MAX_NAMES else []
        names = ", ".join(undescribed[:MAX_NAMES] + more)
        yield Finding(
            f"{len(undescribed)} of {len(labels)} labels have no description: {names}",
            "one sentence each helps the model to choose",
        )


def excerpt(message: str) -> str:
    """Return another program's message as one short line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message[:1000]).split())
    return line if len(line) <= MAX_EXCERPT else f"{line[:MAX_EXCERPT]}…"
