"""Checks for `tagline check`: the server's version, the token, the user's role in a project.

https://docs.gitlab.com/api/personal_access_tokens/#self-inform
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bot.core.diagnostics import Finding
from bot.core.errors import NotFound, PermanentError
from bot.forges.clock import check_clock
from bot.forges.gitlab.backend import call, connect
from bot.forges.values import (
    number,
    require_id,
    require_object,
    require_objects,
    text,
    timestamp,
)
from bot.http import ClientPool

MIN_VERSION = (15, 0)
SIGNING_VERSION = (19, 0)
REPORTER, MAINTAINER = 20, 40
WEBHOOK_PATH = "/webhooks/gitlab"
WITHOUT_NOTES = (
    "turn on its trigger Comments, or run `tagline gitlab add-hook` again: without it commands in"
    " comments have no effect"
)
EXPIRES_SOON_DAYS = 30
NEEDS_MAINTAINER = (
    "creating a hook needs Maintainer: use such a token here, or add the hook in GitLab"
)
DAY_SECONDS = 86_400
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
        except PermanentError as error:
            yield Finding(f"the token's scope and expiry cannot be read: {error}")
            return
        scopes = [text(scope) for scope in token.get("scopes") or ()]
        fix = "" if "api" in scopes else "create a token with the scope `api`"
        yield Finding(f"token scope: {', '.join(scopes)}", fix, wrong=bool(fix))
        expires_at = timestamp(token.get("expires_at"))
        if not expires_at:
            yield Finding("the token does not expire")
            return
        days = int(expires_at - self._clock()) // DAY_SECONDS
        fix = "rotate it soon: without it nothing is written" if days < EXPIRES_SOON_DAYS else ""
        yield Finding(f"the token expires on {token['expires_at']}", fix)

    def check_role(self, owner: str, *, for_hooks: bool = False) -> Finding:
        """Return the user's role in a project or group, given as its API path.

        Raises `NotFound` if it does not exist or the token cannot see it.
        """
        user_id = require_id("GitLab", self._get("/user"))
        try:
            member = self._get(f"{owner}/members/all/{user_id}")
        except NotFound:
            self._get(owner)  # raises the same if there is none
            member = {}
        level = int(number(member.get("access_level")) or 0)
        if not level:
            fix = f"add the user with the role {'Maintainer' if for_hooks else 'Reporter'}"
            return Finding("the token's user is no member", fix, wrong=True)
        role, wrong = f"role: {ROLES.get(level, level)}", level < REPORTER
        fix = "comments and labels need the role Reporter" if wrong else ""
        if for_hooks and not wrong and level < MAINTAINER:
            fix = NEEDS_MAINTAINER
        return Finding(role, fix, wrong=wrong)

    def check_hooks(self, project: str) -> Iterator[Finding]:
        """Yield findings about Tagline's webhooks of a project; only Maintainers may read them."""
        path = f"{project}/hooks?per_page=100"
        try:
            hooks = require_objects("GitLab", call(lambda: self._gl.http_get(path)))
        except PermanentError:
            return
        for hook in hooks:
            url = text(hook.get("url")).split("?")[0].rstrip("/")
            if url.endswith(WEBHOOK_PATH):
                fix = "" if hook.get("note_events") else WITHOUT_NOTES
                yield Finding(f"webhook {url}" + (" sends no comments" if fix else ""), fix)

    def _get(self, path: str) -> dict[str, Any]:
        return require_object("GitLab", call(lambda: self._gl.http_get(path)))
