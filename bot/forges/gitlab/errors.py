"""Map GitLab's error responses to the errors of Tagline.

https://docs.gitlab.com/api/rest/troubleshooting/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

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
from bot.forges.values import THROTTLED, RateLimit, number, pause

RequestKind = Literal["read", "write", "note"]  # a note that is written
PROJECT = re.compile(r"/projects/(\d{1,18})(?:[/?]|$)")
GONE = {404: "not found", 410: "deleted"}
RATE_LIMIT_STATUS = (400, 403, 422, 429)  # may be rate limits, by their message
# Messages, by status, with which GitLab refuses a note for good. Any other refusal of a note is
# tried again: an unnecessary try costs a request, a dropped note is lost.
# https://docs.gitlab.com/api/rest/troubleshooting/#status-codes
FINAL_FOR_NOTES = {
    400: re.compile(
        r"too long|\b(missing|empty|blank|invalid)\b|valid value|maximum number", re.IGNORECASE
    ),
    403: re.compile(
        r"^403 Forbidden$|insufficient_scope|\blocked\b|\barchived\b|read-only|\bblocked\b"
        r"|not (allowed|authorized)|\bpermissions?\b",
        re.IGNORECASE,
    ),
    422: re.compile(
        r"^422 Unprocessable( Entity)?$|too long|\b(blank|invalid)\b|maximum number", re.IGNORECASE
    ),
}


def classify(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: float,
    *,
    kind: RequestKind,
    is_anonymous: bool = False,
) -> TaglineError | None:
    """Return the error to raise for a response, None for 2xx. `now` is in seconds since 1970."""
    if 200 <= status < 300:
        return None
    if status == 401:
        return OperatorError(
            "GitLab asks for a token (status 401): set GITLAB_TOKEN"
            if is_anonymous
            else "GitLab refused the token (status 401): check GITLAB_TOKEN, it may have expired"
        )
    message = _read_message(body)
    if status == 429 or (status in RATE_LIMIT_STATUS and THROTTLED.search(message)):
        seconds = _read_rate_limit(status, headers, now)
        more = "; it accepts more requests with GITLAB_TOKEN" if is_anonymous else ""
        return RateLimited(f"GitLab asked to wait (status {status}{more})", seconds)
    if status in GONE:
        return NotFound(GONE[status], may_be_lag=status == 404)
    if 300 <= status < 400:
        found = PROJECT.search(headers.get("location", ""))
        return Moved("moved elsewhere", int(found[1]) if found else 0)
    if status == 409 or status >= 500:
        reason = f"GitLab failed (status {status})"
        return Retry(reason) if kind == "read" else WriteUncertain(reason)
    reason = f"GitLab refused the request (status {status})"
    reason = f"{reason}: {excerpt(message)}" if message else reason
    final = FINAL_FOR_NOTES.get(status)
    if kind == "note" and not (final and final.search(message)):
        return Retry(reason)
    return Forbidden(reason, refused=status == 403)


def read_limit(headers: Mapping[str, str]) -> RateLimit:
    """Return what a response says of the rate limit."""
    # `ratelimit-limit` is that of a minute, also where the server counts those of another time.
    names = ("ratelimit-remaining", "ratelimit-observed", "ratelimit-reset")
    left, used, reset = (number(headers.get(name)) for name in names)
    limit = None if left is None or used is None else left + used
    return RateLimit(left, limit, reset)


def _read_rate_limit(status: int, headers: Mapping[str, str], now: float) -> float:
    seconds = number(headers.get("retry-after"))
    # Every response has `ratelimit-reset`; it counts with status 429 only.
    if seconds is None and status == 429 and (reset := number(headers.get("ratelimit-reset"))):
        seconds = reset - now
    return pause(seconds)


def _read_message(body: bytes) -> str:
    """Return the texts in `message`, `error` and `error_description`."""
    try:
        data = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    values = [data.get(key) for key in ("message", "error", "error_description")]
    return " ".join(part for value in values for part in _list_texts(value))


def _list_texts(value: object) -> Iterator[str]:
    """Yield a text, the texts of a list, or lists of texts with the names of their fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
    elif isinstance(value, dict):
        for name, texts in value.items():
            yield " ".join([str(name), *_list_texts(texts)])
