"""GitHub's answers → who acts on them.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from gidgethub import HTTPException, InvalidField

from bot.core.errors import (
    Forbidden,
    NotFound,
    OperatorError,
    RateLimited,
    Retry,
    TaglineError,
    WriteUncertain,
)
from bot.forges.values import THROTTLED, excerpt, number

SHORTEST_PAUSE = 60.0
LONGEST_PAUSE = 3700.0
GONE = {404: "not found", 410: "deleted", 451: "withheld"}
LIMITS = (400, 403, 409, 422, 429)  # may be rate limits: the headers or the words tell
# What GitHub says where it will never take a comment, by status. Any other refusal of a comment is
# tried again: a comment that is tried once too often costs a request, one that is dropped is lost.
# https://docs.github.com/en/rest/issues/comments
FINAL_FOR_COMMENTS = {
    403: re.compile(
        r"\blocked\b|\barchived\b|read-only|\bblocked\b|not accessible by|\bdisabled\b"
        r"|must have|\bpermissions?\b|not (allowed|authorized)|\bsuspended\b",
        re.IGNORECASE,
    ),
    422: re.compile(r"too (long|large)|\bblank\b|\bempty\b", re.IGNORECASE),
}


class Moved(NotFound):
    """The repository or the issue has another address now."""


class Unauthorized(OperatorError):
    """The credentials were refused; fresh ones may still do.

    `ahead` is by how many seconds GitHub's clock is ahead of ours, as far as its answer tells.
    """

    def __init__(self, reason: str, ahead: float = 0.0) -> None:
        super().__init__(reason)
        self.ahead = ahead


def classify(
    error: HTTPException, now: float, *, wrote: bool, comment: bool = False
) -> TaglineError:
    """The error to raise for an answer outside 2xx. `now` is in seconds since the epoch.

    `wrote` says that the request may have changed something before it failed, `comment` that it
    was to write a comment.
    """
    status, words = int(error.status_code), _words(error)
    pause = _pause(status, error.headers, words, now)
    if pause is not None:
        return RateLimited(f"GitHub asked to wait (status {status})", pause)
    if status == 401:
        return Unauthorized(
            "GitHub refused the credentials (status 401): check GITHUB_APP_ID and"
            " GITHUB_PRIVATE_KEY, or GITHUB_TOKEN",
            _ahead(error.headers, now),
        )
    if status in GONE:
        return NotFound(GONE[status], may_be_lag=status == 404)
    if 300 <= status < 400:
        return Moved("moved elsewhere")
    if status >= 500:
        reason = f"GitHub failed (status {status})"
        return WriteUncertain(reason) if wrote else Retry(reason)
    reason = f"GitHub refused the request (status {status}): {excerpt(words)}"
    if comment and not _is_final(error, status, words):
        return Retry(reason)
    return Forbidden(reason)


def _is_final(error: HTTPException, status: int, words: str) -> bool:
    """Whether a comment is known to be refused for good.

    gidgethub's InvalidField is a 422 without details, or with a code that GitHub documents.
    https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed
    """
    known = FINAL_FOR_COMMENTS.get(status)
    return isinstance(error, InvalidField) or bool(known and known.search(words))


def _words(error: HTTPException) -> str:
    """GitHub's message, with those of single fields."""
    listed = getattr(error, "errors", None)
    fields = listed if isinstance(listed, list) else []
    more = [str(one.get("message") or "") for one in fields if isinstance(one, Mapping)]
    return " ".join([str(error), *filter(None, more)])


def _ahead(headers: Mapping[str, str], now: float) -> float:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp() - now
    except (KeyError, ValueError):
        return 0.0


def _pause(status: int, headers: Mapping[str, str], words: str, now: float) -> float | None:
    """Seconds to wait where the answer is a rate limit, else None."""
    if status not in LIMITS:
        return None
    if "retry-after" in headers:
        after = number(headers["retry-after"]) or SHORTEST_PAUSE
        return min(max(after, 1.0), LONGEST_PAUSE)
    if status in (403, 429) and headers.get("x-ratelimit-remaining") == "0":
        reset = number(headers.get("x-ratelimit-reset"))
        return min(max(reset - now, 1.0), LONGEST_PAUSE) if reset else SHORTEST_PAUSE
    if status == 429 or THROTTLED.search(words):
        return SHORTEST_PAUSE
    return None
