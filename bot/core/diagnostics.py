"""Results of the checks of `tagline check`, and how to fix what they report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.core.config.schema import LabelRules
from bot.core.labels.policy import find_restriction
from bot.core.types import Label

MAX_NAMES = 10
MAX_EXCERPT = 200  # characters
MAX_UNUSED = 100
WHY_UNUSED = {
    "protected": "because people set them (labels.allow opens one by its exact name)",
    "denied": "because labels.deny holds them",
    "not allowed": "because labels.allow does not hold them",
    "not settable": "because the forge's API cannot name them (a comma); they are suggested",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report. `fix` is the instruction for it, "" for none.

    `wrong` is True if Tagline cannot work like this; otherwise a `fix` makes it a warning.
    """

    what: str
    fix: str = ""
    wrong: bool = False

    @property
    def level(self) -> Literal["ok", "warning", "problem"]:
        if self.wrong:
            return "problem"
        return "warning" if self.fix else "ok"


def about_labels(labels: Sequence[Label]) -> Iterator[Finding]:
    """Yield advice on a repository's labels."""
    undescribed = [label.name for label in labels if not label.description]
    if not labels:
        yield Finding("no labels", "create labels; only labels that exist are set")
    elif undescribed:
        names = _join(undescribed, MAX_NAMES)
        yield Finding(
            f"{len(undescribed)} of {len(labels)} labels have no description: {names}",
            "one sentence each helps the model to choose",
        )


def about_unused_labels(labels: Sequence[Label], rules: LabelRules) -> Iterator[Finding]:
    """Yield how many of a repository's labels may be applied, and why the others never are."""
    unused: dict[str, list[str]] = {}
    for label in labels:
        reason: str = find_restriction(label, rules)
        if not reason and not label.settable:
            reason = "not settable"
        if reason:
            unused.setdefault(reason, []).append(label.name)
    usable = len(labels) - sum(map(len, unused.values()))
    fix = "" if usable or not labels else "name some in labels.allow"
    yield Finding(f"{usable} of {len(labels)} labels may be applied", fix)
    for reason, explanation in WHY_UNUSED.items():
        if names := unused.get(reason):
            yield Finding(f"never applied, {explanation}: {_join(names, MAX_UNUSED)}")


def _join(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def excerpt(message: str) -> str:
    """Return another program's message as one short line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message[:1000]).split())
    return line if len(line) <= MAX_EXCERPT else f"{line[:MAX_EXCERPT]}…"
