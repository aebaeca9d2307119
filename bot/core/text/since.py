"""Times in the past, as people write them: `30m`, `2h`, `3d`, or an ISO date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
SPAN = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
FORMS = "write 30m, 2h, 3d or a time such as 2026-01-31T08:00Z"


def parse_since(text: str, now: float, longest: float) -> float:
    """Return seconds since the epoch. A time without a zone is UTC.

    Raises ValueError for another form, a time in the future, and one before `longest` seconds ago.
    """
    if match := SPAN.fullmatch(text.strip()):
        at = now - int(match[1]) * SECONDS[match[2]]
    else:
        try:
            when = datetime.fromisoformat(text.strip())
            at = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise ValueError(FORMS) from None
    if at > now:
        raise ValueError("that time is in the future")
    if at < now - longest:
        raise ValueError(f"the journal has the last {longest / SECONDS['d']:.0f} days")
    return at
