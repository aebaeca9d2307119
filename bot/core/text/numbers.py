"""Numbers as people read them: counts with their nouns, shares, dollars."""

from __future__ import annotations


def format_count(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, such as "1 issue" or "2,000 issues".

    `plural` is that of a noun which does not just end in "s" then.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def format_share(share: float | None) -> str:
    """Return a share in percent, "-" for None."""
    return "-" if share is None else f"{100 * share:.0f} %"


def format_usd(usd: float | None) -> str:
    """Return dollars, with four digits after the point where they are few; "unknown" for None."""
    if usd is None:
        return "unknown"
    if 0 < usd < 0.0001:
        return "under $0.0001"
    return f"${usd:,.2f}" if usd >= 0.1 or not usd else f"${usd:.4f}"
