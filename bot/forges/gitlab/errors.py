"""GitLab's answers → who acts on them.

https://docs.gitlab.com/api/rest/troubleshooting/
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.errors import Doubtful, Forbidden, GiveUp, Gone, Limited, Retry, TaglineError
from bot.forges.wire import number

SHORTEST_PAUSE = 60.0
LONGEST_PAUSE = 3700.0
GONE = {404: "not found", 410: "deleted"}


def classify(
    status: int, headers: Mapping[str, str], now: float, *, wrote: bool
) -> TaglineError | None:
    """The error to raise for an answer, None for 2xx. `now` is in seconds since the epoch.

    `wrote` says that the request may have changed something before it failed.
    """
    if 200 <= status < 300:
        return None
    if status == 401:
        return GiveUp(
            "GitLab refused the token (status 401): check GITLAB_TOKEN, it may have expired"
        )
    if status == 429:
        return Limited("GitLab asked to wait (status 429)", _pause(headers, now))
    if status in GONE:
        return Gone(GONE[status], fresh=status == 404)
    if 300 <= status < 400:
        return Gone("moved elsewhere")
    if status == 409 or status >= 500:
        reason = f"GitLab failed (status {status})"
        return Doubtful(reason) if wrote else Retry(reason)
    return Forbidden(f"GitLab refused the request (status {status})")


def _pause(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait; GitLab may give a date instead, then the shortest pause has to do."""
    seconds = number(headers.get("retry-after"))
    if seconds is None and (reset := number(headers.get("ratelimit-reset"))):
        seconds = reset - now
    return SHORTEST_PAUSE if seconds is None else min(max(seconds, 1.0), LONGEST_PAUSE)
