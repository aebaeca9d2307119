"""A number with its noun, as people read it."""

from __future__ import annotations


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, such as "1 issue" or "2,000 issues".

    `plural` is that of a noun which does not just end in "s" then.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
