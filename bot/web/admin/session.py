"""The token of the admin page, its session cookie and the token of its forms.

Nothing is stored: every receiver with the same token accepts the cookie, and a new token ends all
sessions.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Sequence

from bot.web.forms import SESSION_SECONDS

COOKIE = "tagline_admin"
MAX_COOKIE = 200  # characters


class AdminSessions:
    """Each of the `tokens` opens sessions. `clock` returns seconds since the epoch."""

    def __init__(
        self, tokens: Callable[[], Sequence[str]], clock: Callable[[], float] = time.time
    ) -> None:
        self._tokens, self._clock = tokens, clock

    def open(self, token: str) -> str:
        """Return the cookie of a new session, "" for a wrong token."""
        given = token.encode(errors="replace")
        # A list, so that the time of the answer does not depend on which token matches.
        matches = [hmac.compare_digest(given, one.encode()) for one in self._tokens()]
        if not any(matches):
            return ""
        session = f"{secrets.token_urlsafe(16)}.{int(self._clock()) + SESSION_SECONDS}"
        return f"{session}.{_sign(token, f'cookie {session}')}"

    def find_form_token(self, cookie: str) -> str:
        """Return what each form of a session carries, "" for a cookie that is wrong or expired."""
        session, _, signature = cookie[:MAX_COOKIE].rpartition(".")
        until = session.partition(".")[2]
        given, text = signature.encode(errors="replace"), f"cookie {session}"
        matches = [
            one for one in self._tokens() if hmac.compare_digest(given, _sign(one, text).encode())
        ]
        if not matches or int(until) <= self._clock():  # a signed one is a number
            return ""
        return _sign(matches[0], f"form {session}")


def _sign(token: str, text: str) -> str:
    return hmac.new(
        token.encode(), f"tagline admin {text}".encode(errors="replace"), "sha256"
    ).hexdigest()
