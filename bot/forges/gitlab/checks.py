"""Is GitLab ready for us: its version, the token's scope and expiry, our role in a project.

https://docs.gitlab.com/api/personal_access_tokens/#self-inform
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import gitlab

from bot.core.diagnostics import Finding
from bot.core.errors import PermanentError
from bot.forges.clock import about_clock
from bot.forges.gitlab.backend import HttpxBackend
from bot.forges.values import text
from bot.http import ClientPool

OLDEST = (15, 0)
SIGNS_SINCE = (19, 0)
REPORTER, MAINTAINER = 20, 40
SOON_DAYS = 30
ROLES = {10: "Guest", 15: "Planner", 20: "Reporter", 30: "Developer", 40: "Maintainer", 50: "Owner"}


class GitLabChecks:
    """The probes of a server and a token. Nothing is written."""

    def __init__(
        self, url: str, token: str, clients: ClientPool, clock: Callable[[], float] = time.time
    ) -> None:
        self._url, self._token, self._clients, self._clock = url, token, clients, clock
        self._gl = gitlab.Gitlab(
            url, token, keep_base_url=True, backend=HttpxBackend, clients=clients
        )

    def report(self) -> Iterator[Finding]:
        """All that needs no project. Raises our errors where GitLab refuses."""
        headers = {"PRIVATE-TOKEN": self._token}
        address = f"{self._url}/api/v4/version"
        yield about_clock("GitLab", self._clients, address, headers, self._clock)
        version = self.version()
        fix = "" if version >= OLDEST else "Tagline needs 15 or newer"
        yield Finding(f"version {version[0]}.{version[1]}", fix, wrong=bool(fix))
        yield from self.about_token()

    def version(self) -> tuple[int, int]:
        parts = text(self._get("/version").get("version")).split("-")[0].split(".")
        major, minor = ([int(part) for part in parts if part.isdecimal()] + [0, 0])[:2]
        return major, minor

    def about_token(self) -> Iterator[Finding]:
        """What the token may do, and when it ends."""
        try:
            token = self._get("/personal_access_tokens/self")
        except PermanentError:
            yield Finding("the token does not tell its scope and expiry")
            return
        scopes = token.get("scopes") or []
        missing = "" if "api" in scopes else "make a token with the scope `api`"
        yield Finding(f"token scope: {', '.join(scopes)}", missing, wrong=bool(missing))
        if not token.get("expires_at"):
            yield Finding("the token does not expire")
            return
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        left = (date.fromisoformat(token["expires_at"]) - today).days
        yield Finding(
            f"the token expires on {token['expires_at']}",
            "rotate it soon: without it nothing is written" if left < SOON_DAYS else "",
        )

    def level(self, owner: str) -> int:
        """Our access level in a project or group, given as its API path; 0 for no member."""
        self._gl.auth()
        assert self._gl.user is not None
        try:
            member = self._get(f"{owner}/members/all/{self._gl.user.id}")
        except PermanentError:
            return 0
        return int(member.get("access_level", 0))

    def about_role(self, owner: str) -> Finding:
        level = self.level(owner)
        if not level:
            return Finding(
                "the token's user is no member", "add the user with the role Reporter", wrong=True
            )
        fix = "comments and labels need the role Reporter" if level < REPORTER else ""
        return Finding(f"role: {ROLES.get(level, level)}", fix, wrong=bool(fix))

    def _get(self, path: str) -> Any:
        return self._gl.http_get(path)
