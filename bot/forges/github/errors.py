"""Map GitHub's error responses to the errors of Tagline.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gidgethub import HTTPException, InvalidField

from bot.core.diagnostics import excerpt
from bot.core.errors import (
    Forbidden,
    Moved,
    NotFound,
    OperatorError,
    RateLimited,
    Retry,
    TaglineError,
    WriteUncertain,
)
from bot.forges.requests import read_date
from bot.forges.values import THROTTLED, RateLimit, number, pause

REPOSITORY = re.compile(r"/repositories/(\d{1,18})(?:/|$)")
GONE = {404: "not found", 410: "deleted", 451: "withheld"}
ASKS = "GitHub asks for credentials (status 401): set GITHUB_APP_ID and GITHUB_PRIVATE_KEY"
REFUSES = "GitHub refused the credentials (status 401): check GITHUB_APP_ID and GITHUB_PRIVATE_KEY"
RATE_LIMIT_STATUS = (400, 403, 409, 422, 429)  # may be rate limits, by headers or message
# Messages, by status, with which GitHub refuses a comment for good. Any other refusal of a comment
# is tried again: an unnecessary try costs a request, a dropped comment is lost.
# https://docs.github.com/en/rest/issues/comments
FINAL_FOR_COMMENTS = {
    403: re.compile(
        r"\blocked\b|\barchived\b|read-only|\bblocked\b|not accessible by|\bdisabled\b"
        r"|must have|\bpermissions?\b|not (allowed|authorized)|\bsuspended\b",
        re.IGNORECASE,
    ),
    422: re.compile(r"too (long|large)|\bblank\b|\bempty\b", re.IGNORECASE),
}


class Unauthorized(OperatorError):
    """GitHub rejected the credentials; new ones may be accepted.

    `skew` is how many seconds GitHub's clock is ahead of this host's, 0 if it gives no date.
    """

    def __init__(self, reason: str, skew: float = 0.0) -> None:
        super().__init__(reason)
        self.skew = skew


def classify(
    error: HTTPException,
    now: float,
    *,
    is_write: bool,
    is_comment: bool = False,
    is_anonymous: bool = False,
) -> TaglineError:
    """Return the error to raise for a response outside 2xx. `now` is in seconds since the epoch."""
    status, message = int(error.status_code), _read_message(error)
    seconds = _read_rate_limit(status, error.headers, message, now)
    if seconds is not None:
        more = _describe_anonymous_limit(error.headers) if is_anonymous else ""
        return RateLimited(f"GitHub asked to wait (status {status}{more})", seconds)
    if status == 401:
        reason = ASKS if is_anonymous else REFUSES
        return Unauthorized(f"{reason}, or GITHUB_TOKEN", _compute_skew(error.headers, now))
    if status in GONE:
        return NotFound(GONE[status], may_be_lag=status == 404)
    if 300 <= status < 400:
        found = REPOSITORY.search(error.headers.get("location", ""))
        return Moved("moved elsewhere", int(found[1]) if found else 0)
    if status >= 500:
        reason = f"GitHub failed (status {status})"
        return WriteUncertain(reason) if is_write else Retry(reason)
    reason = f"GitHub refused the request (status {status}): {excerpt(message)}"
    # gidgethub's InvalidField is a 422 without details, or with a code that GitHub documents:
    # https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed
    final = FINAL_FOR_COMMENTS.get(status)
    if is_comment and not isinstance(error, InvalidField) and not (final and final.search(message)):
        return Retry(reason)
    return Forbidden(reason, refused=status == 403)


def read_limit(headers: Mapping[str, str]) -> RateLimit:
    """Return what a response says of the hourly limit."""
    names = ("x-ratelimit-remaining", "x-ratelimit-limit", "x-ratelimit-reset")
    return RateLimit(*(number(headers.get(name)) for name in names))


def _describe_anonymous_limit(headers: Mapping[str, str]) -> str:
    """Return the limit of requests without credentials, as far as it is known.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    limit = headers.get("x-ratelimit-limit", "")
    few = f"{limit} requests an hour" if limit.isdecimal() else "few requests"
    return f"; it accepts {few} without a token, more with GITHUB_TOKEN"


def _read_message(error: HTTPException) -> str:
    """Return GitHub's message, with those for single fields."""
    errors = getattr(error, "errors", None)
    fields = errors if isinstance(errors, list) else []
    details = [str(field.get("message") or "") for field in fields if isinstance(field, Mapping)]
    return " ".join([str(error), *filter(None, details)])


def _compute_skew(headers: Mapping[str, str], now: float) -> float:
    at = read_date(headers)
    return at - now if at else 0.0


def _read_rate_limit(
    status: int, headers: Mapping[str, str], message: str, now: float
) -> float | None:
    """Return for how long to wait if the response is a rate limit, else None."""
    if status not in RATE_LIMIT_STATUS:
        return None
    if "retry-after" in headers:
        return pause(number(headers["retry-after"]) or None)
    if status in (403, 429) and headers.get("x-ratelimit-remaining") == "0":
        reset = number(headers.get("x-ratelimit-reset"))
        return pause(reset - now if reset else None)
    return pause(None) if status == 429 or THROTTLED.search(message) else None
