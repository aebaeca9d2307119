"""GitHub's answers → who acts on them.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from gidgethub import HTTPException

from bot.core.errors import Doubtful, Forbidden, GiveUp, Gone, Limited, Retry, TaglineError
from bot.forges.wire import number

SHORTEST_PAUSE = 60.0
LONGEST_PAUSE = 3700.0
GONE = {404: "not found", 410: "deleted", 451: "withheld"}


class Moved(Gone):
    """The repository or the issue has another address now."""


class Unauthorized(GiveUp):
    """The credentials were refused; fresh ones may still do.

    `ahead` is by how many seconds GitHub's clock is ahead of ours, as far as its answer tells.
    """

    def __init__(self, reason: str, ahead: float = 0.0) -> None:
        super().__init__(reason)
        self.ahead = ahead


def classify(error: HTTPException, now: float, *, wrote: bool) -> TaglineError:
    """The error to raise for an answer outside 2xx. `now` is in seconds since the epoch.

    `wrote` says that the request may have changed something before it failed.
    """
    status = int(error.status_code)
    pause = _pause(status, error.headers, str(error), now)
    if pause is not None:
        return Limited(f"GitHub asked to wait (status {status})", pause)
    if status == 401:
        return Unauthorized(
            "GitHub refused the credentials (status 401): check GITHUB_APP_ID and"
            " GITHUB_PRIVATE_KEY, or GITHUB_TOKEN",
            _ahead(error.headers, now),
        )
    if status in GONE:
        return Gone(GONE[status], fresh=status == 404)
    if 300 <= status < 400:
        return Moved("moved elsewhere")
    if status >= 500:
        reason = f"GitHub failed (status {status})"
        return Doubtful(reason) if wrote else Retry(reason)
    return Forbidden(f"GitHub refused the request (status {status})")


def _ahead(headers: Mapping[str, str], now: float) -> float:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp() - now
    except (KeyError, ValueError):
        return 0.0


def _pause(status: int, headers: Mapping[str, str], text: str, now: float) -> float | None:
    """Seconds to wait where the answer is a rate limit, else None."""
    if status not in (403, 429):
        return None
    if "retry-after" in headers:
        after = number(headers["retry-after"]) or SHORTEST_PAUSE
        return min(max(after, 1.0), LONGEST_PAUSE)
    if headers.get("x-ratelimit-remaining") == "0":
        reset = number(headers.get("x-ratelimit-reset"))
        return min(max(reset - now, 1.0), LONGEST_PAUSE) if reset else SHORTEST_PAUSE
    if status == 429 or "rate limit" in text.lower():
        return SHORTEST_PAUSE
    return None
