"""A share as people read it."""

from __future__ import annotations


def format_share(share: float | None) -> str:
    """Return a share in percent, "-" for None."""
    return "-" if share is None else f"{100 * share:.0f} %"
