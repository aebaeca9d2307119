"""The labels that `tagline labels init` creates: one for each concept that the rules know.

None is a label that only people set.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bot.core.labels.keywords import label_for


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label to create. `color` has six hexadecimal digits."""

    name: str
    description: str
    color: str


_ROWS = (
    ("bug", "bug", "d73a4a", "Something does not work as intended or documented"),
    ("feature-request", "enhancement", "a2eeef", "A new feature, or an improvement of one"),
    ("question", "question", "d876e3", "How to use something, or why it behaves as it does"),
    ("documentation", "documentation", "0075ca", "Missing, wrong or unclear documentation"),
    ("performance", "performance", "fbca04", "Slow, or takes too much memory or processor time"),
    ("ui/ux", "ui/ux", "f9d0c4", "How the user interface looks and is used"),
    ("frontend", "frontend", "bfd4f2", "The part that runs in the user's browser or device"),
    ("backend", "backend", "d4c5f9", "The part that runs on the server"),
    ("api", "api", "5319e7", "The interface that other programs call"),
    ("database", "database", "006b75", "The database: schema, migrations, queries"),
)
COMMON_LABELS = {
    concept: NewLabel(name, description, color) for concept, name, color, description in _ROWS
}


def find_missing_labels(names: Collection[str]) -> tuple[NewLabel, ...]:
    """Return the common labels whose concept none of a repository's label names means."""
    return tuple(
        label for concept, label in COMMON_LABELS.items() if label_for(concept, names) is None
    )
