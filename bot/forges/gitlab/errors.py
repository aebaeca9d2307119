"""GitLab's answers → who acts on them.

https://docs.gitlab.com/api/rest/troubleshooting/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

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
GONE = {404: "not found", 410: "deleted"}
LIMITS = (400, 403, 422, 429)  # may be rate limits: the words tell
# What GitLab says where it will never take a note, by status. Any other refusal of a note is tried
# again: a note that is tried once too often costs a request, one that is dropped is lost.
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
    wrote: bool,
    note: bool = False,
) -> TaglineError | None:
    """The error to raise for an answer, None for 2xx. `now` is in seconds since the epoch.

    `wrote` says that the request may have changed something before it failed, `note` that it was to
    write a note.
    """
    if 200 <= status < 300:
        return None
    if status == 401:
        return OperatorError(
            "GitLab refused the token (status 401): check GITLAB_TOKEN, it may have expired"
        )
    words = _words(body)
    if status == 429 or (status in LIMITS and THROTTLED.search(words)):
        # `ratelimit-reset` is in every answer, and tells of nothing but 429.
        told = headers if status == 429 else {"retry-after": headers.get("retry-after", "")}
        return RateLimited(f"GitLab asked to wait (status {status})", _pause(told, now))
    if status in GONE:
        return NotFound(GONE[status], may_be_lag=status == 404)
    if 300 <= status < 400:
        return NotFound("moved elsewhere")
    if status == 409 or status >= 500:
        reason = f"GitLab failed (status {status})"
        return WriteUncertain(reason) if wrote else Retry(reason)
    reason = f"GitLab refused the request (status {status})"
    reason = f"{reason}: {excerpt(words)}" if words else reason
    known = FINAL_FOR_NOTES.get(status)
    if note and not (known and known.search(words)):
        return Retry(reason)
    return Forbidden(reason)


def _words(body: bytes) -> str:
    """What an answer says in `message`, `error` and `error_description`."""
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    parts = [found.get(key) for key in ("message", "error", "error_description")]
    return " ".join(word for part in parts for word in _texts(part))


def _texts(value: object) -> Iterator[str]:
    """`message` may be a text, or lists of texts by the names of fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (one for one in value if isinstance(one, str))
    elif isinstance(value, dict):
        for name, texts in value.items():
            yield " ".join([str(name), *_texts(texts)])


def _pause(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait; GitLab may give a date instead, then the shortest pause has to do."""
    seconds = number(headers.get("retry-after"))
    if seconds is None and (reset := number(headers.get("ratelimit-reset"))):
        seconds = reset - now
    return SHORTEST_PAUSE if seconds is None else min(max(seconds, 1.0), LONGEST_PAUSE)
