"""Values in responses of every forge: objects, texts, times, numbers, pauses."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bot.core.errors import NotFound, Retry

# The wording of rate limits without a time to wait.
THROTTLED = re.compile(
    r"rate.?limit|throttl|abuse (detection|rate)|temporarily blocked|too (quickly|fast|often)"
    r"|too many (requests|times|attempts)|quota exceeded|slow down|wait (a|for a|some) "
    r"|(try|retry)\b.{0,40}\blater",
    re.IGNORECASE,
)
DEFAULT_PAUSE = 60.0
MAX_PAUSE = 3700.0
RESERVED_SHARE = 0.2  # of the requests that a rate limit permits, left to issues
_INVALID = re.compile("[\0\ud800-\udfff]")


def require_object(forge: str, data: object, *names: str) -> dict[str, Any]:
    """Return a JSON object that has one of these fields. Raises `Retry`."""
    if isinstance(data, dict) and (not names or not data.keys().isdisjoint(names)):
        return data
    raise Retry(f"{forge}'s response cannot be read")


def require_objects(forge: str, data: object) -> list[dict[str, Any]]:
    """Return a JSON list of objects. Raises `Retry`."""
    if isinstance(data, list):
        return [require_object(forge, item) for item in data]
    raise Retry(f"{forge}'s response cannot be read")


def require_id(forge: str, data: object, name: str = "id") -> int:
    """Return the id, or another number, in a JSON object. Raises `Retry`."""
    number = require_object(forge, data, name)[name]
    if isinstance(number, int):
        return number
    raise Retry(f"{forge}'s response cannot be read")


def require_web_host(variable: str, url: object, host: str) -> None:
    """Raise `NotFound` unless a repository's page, at this URL, is on the host of a link."""
    try:
        found = urlsplit(text(url)).hostname or "another host"
    except ValueError:
        found = "another host"
    if found != host:
        raise NotFound(f"the link's host is {host}, but {variable} serves {found}")


def text(value: object) -> str:
    """Return a text without lone surrogates and NUL, which cannot be stored; "" for no text."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and "\0" not in value:  # as below, in a tenth of the time
        return value
    if not _INVALID.search(value):
        return value
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def comment_count(value: object) -> int:
    """Return the number of an issue's comments; 1 if there is none, as there may be comments."""
    return value if isinstance(value, int) else 1


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


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`left` requests of `limit` are permitted until `reset`, in seconds since the epoch.

    None is for what a response does not say.
    """

    left: float | None = None
    limit: float | None = None
    reset: float | None = None

    def report(self, report: Callable[[float, float], object]) -> None:
        """Call a function with the share that is left and its end, if the response says both."""
        if self.left is not None and self.limit and self.reset is not None:
            report(self.left / self.limit, self.reset)

    def find_pause(self, now: float) -> float:
        """Return for how long work that can wait leaves the rest of the limit to issues.

        Returns 0 while enough requests are left, or if the response does not say.
        """
        if self.left is None or self.reset is None or self._spare >= 0:
            return 0.0
        return pause(self.reset - now)

    def find_spacing(self, now: float) -> float:
        """Return the seconds between requests that leave a part of the limit to issues.

        Returns 0 if the response does not say.
        """
        if self.left is None or self.limit is None or self.reset is None:
            return 0.0
        seconds = min(max(self.reset - now, 0.0), MAX_PAUSE)
        return seconds / self._spare if self._spare >= 1 else seconds

    @property
    def _spare(self) -> float:
        """The requests that are left beside those reserved for issues, negative for fewer."""
        return (self.left or 0.0) - RESERVED_SHARE * (self.limit or 0.0)
