"""An amount of dollars as people read it."""

from __future__ import annotations


def format_usd(usd: float | None) -> str:
    """Return dollars, with four digits after the point where they are few; "unknown" for None."""
    if usd is None:
        return "unknown"
    if 0 < usd < 0.0001:
        return "under $0.0001"
    return f"${usd:,.2f}" if usd >= 0.1 or not usd else f"${usd:.4f}"
