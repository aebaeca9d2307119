"""Values in responses of every forge: texts, times, numbers, pauses."""

from __future__ import annotations

import math
import re
from datetime import datetime

# The wording of rate limits without a time to wait.
THROTTLED = re.compile(
    r"rate.?limit|throttl|abuse (detection|rate)|temporarily blocked|too (quickly|fast|often)"
    r"|too many (requests|times|attempts)|quota exceeded|slow down|wait (a|for a|some) "
    r"|(try|retry)\b.{0,40}\blater",
    re.IGNORECASE,
)
DEFAULT_PAUSE = 60.0
MAX_PAUSE = 3700.0
_INVALID = re.compile("[\0\ud800-\udfff]")


def text(value: object) -> str:
    """Return a text without lone surrogates and NUL, which cannot be stored; "" for no text."""
    if not isinstance(value, str):
        return ""
    if not _INVALID.search(value):
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def timestamp(value: object) -> float:
    """Return an ISO 8601 time as seconds since the epoch, 0 if there is none."""
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return 0.0


def number(value: object) -> float | None:
    """Return the number in a header, None if there is none."""
    try:
        parsed = float(str(value))
    except ValueError:
        return None
    return None if math.isnan(parsed) else parsed


def pause(seconds: float | None) -> float:
    """Return the seconds to wait for a rate limit; `seconds` is None if it has no time."""
    return DEFAULT_PAUSE if seconds is None else min(max(seconds, 1.0), MAX_PAUSE)
