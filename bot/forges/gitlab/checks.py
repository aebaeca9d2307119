"""Checks for `tagline check`: the server's version, the token, the user's role in a project.

https://docs.gitlab.com/api/personal_access_tokens/#self-inform
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from bot.core.diagnostics import Finding
from bot.core.errors import PermanentError
from bot.forges.clock import check_clock
from bot.forges.gitlab.backend import connect
from bot.forges.values import text
from bot.http import ClientPool

MIN_VERSION = (15, 0)
SIGNING_VERSION = (19, 0)
REPORTER, MAINTAINER = 20, 40
EXPIRES_SOON_DAYS = 30
ROLES = {10: "Guest", 15: "Planner", 20: "Reporter", 30: "Developer", 40: "Maintainer", 50: "Owner"}


class GitLabChecks:
    """Checks of a server and a token. They write nothing, and raise GitLab's errors."""

    def __init__(
        self, url: str, token: str, clients: ClientPool, clock: Callable[[], float] = time.time
    ) -> None:
        self._url, self._clients, self._clock = url, clients, clock
        self._gl = connect(url, token, clients)

    def check_server(self) -> Iterator[Finding]:
        """Yield findings about clock, version and token."""
        url = f"{self._url}/api/v4/version"
        yield check_clock("GitLab", self._clients, url, self._clock)
        version = self.version()
        fix = "" if version >= MIN_VERSION else "Tagline needs 15 or newer"
        yield Finding(f"version {version[0]}.{version[1]}", fix, wrong=bool(fix))
        yield from self.check_token()

    def version(self) -> tuple[int, int]:
        parts = text(self._get("/version").get("version")).split("-")[0].split(".")
        major, minor = ([int(part) for part in parts if part.isdecimal()] + [0, 0])[:2]
        return major, minor

    def check_token(self) -> Iterator[Finding]:
        """Yield findings about the token's scope and expiry."""
        try:
            token = self._get("/personal_access_tokens/self")
        except PermanentError:
            yield Finding("the token's scope and expiry cannot be read")
            return
        scopes = token.get("scopes") or []
        fix = "" if "api" in scopes else "create a token with the scope `api`"
        yield Finding(f"token scope: {', '.join(scopes)}", fix, wrong=bool(fix))
        if not token.get("expires_at"):
            yield Finding("the token does not expire")
            return
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        days = (date.fromisoformat(token["expires_at"]) - today).days
        fix = "rotate it soon: without it nothing is written" if days < EXPIRES_SOON_DAYS else ""
        yield Finding(f"the token expires on {token['expires_at']}", fix)

    def check_role(self, owner: str, *, for_hooks: bool = False) -> Finding:
        """Return the user's role in a project or group, given as its API path."""
        self._gl.auth()
        assert self._gl.user is not None
        try:
            member = self._get(f"{owner}/members/all/{self._gl.user.id}")
        except PermanentError:
            member = {}
        level = int(member.get("access_level", 0))
        if not level:
            fix = "add the user with the role Reporter"
            return Finding("the token's user is no member", fix, wrong=True)
        role, wrong = f"role: {ROLES.get(level, level)}", level < REPORTER
        fix = "comments and labels need the role Reporter" if wrong else ""
        if for_hooks and not wrong and level < MAINTAINER:
            fix = (
                "creating a hook needs Maintainer: use such a token here, or add the hook in GitLab"
            )
        return Finding(role, fix, wrong=wrong)

    def _get(self, path: str) -> Any:
        return self._gl.http_get(path)
