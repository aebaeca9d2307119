"""What chose a label, as commands and pages write it."""

from __future__ import annotations

LABELLERS = {"model": "model", "classifier": "history", "rules": "rules"}


def format_source(source: str) -> str:
    """Return the word for a labeller, "people" for none."""
    return LABELLERS.get(source, source or "people")
