"""What every forge's answers need: sound text and plain moments."""

from __future__ import annotations

import math
import re
from datetime import datetime

# How forges word a rate limit for which they give no time.
THROTTLED = re.compile(
    r"rate.?limit|throttl|abuse (detection|rate)|temporarily blocked|too (quickly|fast|often)"
    r"|too many (requests|times|attempts)|quota exceeded|slow down|wait (a|for a|some) "
    r"|(try|retry)\b.{0,40}\blater",
    re.IGNORECASE,
)
LONGEST_EXCERPT = 200
_UNSOUND = re.compile("[\0\ud800-\udfff]")


def text(value: object) -> str:
    """A text that can be stored and sent on: lone surrogates and NUL are replaced."""
    if not isinstance(value, str):
        return ""
    if not _UNSOUND.search(value):
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def moment(value: object) -> float:
    """An ISO 8601 time as seconds since the epoch; 0 where there is none."""
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return 0.0


def number(value: object) -> float | None:
    """A number from a header, None where there is none."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return None if math.isnan(found) else found


def excerpt(words: str) -> str:
    """A forge's own words as one short line for the log."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words[:1000]).split())
    return line if len(line) <= LONGEST_EXCERPT else f"{line[:LONGEST_EXCERPT]}…"
