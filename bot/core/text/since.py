"""Spans of time and times in the past, as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
SPAN = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
FORMS = "write 30m, 2h, 3d or a time such as 2026-01-31T08:00Z"


def parse_span(text: str) -> float | None:
    """Return the seconds of a span such as `30m`, `2h` or `3d`, None for another form."""
    match = SPAN.fullmatch(text.strip().lower())
    return int(match[1]) * SECONDS[match[2]] if match else None


def parse_since(text: str, now: float) -> float:
    """Return the time of a span before now, or of an ISO time, in seconds since the epoch.

    A time without a zone is UTC. Raises ValueError for another form and a time in the future.
    """
    span = parse_span(text)
    at = _parse_time(text.strip()) if span is None else now - span
    if at > now:
        raise ValueError("that time is in the future")
    return at


def _parse_time(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(FORMS) from None
