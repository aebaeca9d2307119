"""The one-time token of the setup page, its session cookie and the token of its forms."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from bot.web.forms import SESSION_SECONDS

COOKIE = "tagline_setup"


class Sessions:
    """One person at a time: a token opens a new session and ends the one before.

    `on_token` is called with each new token, of which only the newest is valid, once.
    """

    def __init__(
        self, on_token: Callable[[str], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._on_token, self._clock = on_token, clock
        self._key = secrets.token_bytes(32)
        self._session = ""
        self.token = ""
        self._renew_token()

    def open(self, token: str) -> str:
        """Return the cookie of a new session, "" for a token that is wrong or was used."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return ""
        self._session = secrets.token_urlsafe(16)
        self._renew_token()
        until = int(self._clock()) + SESSION_SECONDS
        return f"{self._session}.{until}.{self._sign(f'cookie {self._session} {until}')}"

    def has_opened(self, cookie: str) -> bool:
        """Return whether it is the cookie of the session, signed here and not expired."""
        session, _, rest = cookie.partition(".")
        until, _, signature = rest.partition(".")
        expected = self._sign(f"cookie {session} {until}")
        is_signed = hmac.compare_digest(signature.encode(), expected.encode())
        is_newest = bool(session) and session == self._session
        return is_signed and is_newest and int(until) > self._clock()

    @property
    def form_token(self) -> str:
        """Return what each form of the session carries."""
        return self._sign(f"form {self._session}")

    def is_form_token(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.form_token.encode())

    def prove(self, nonce: str) -> str:
        """Return an answer to a nonce that only this process can give."""
        return self._sign(f"nonce {nonce}")

    def _renew_token(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self._on_token(self.token)

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()
