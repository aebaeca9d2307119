"""GitLab's webhook for Tagline: made, tested, mended and removed through the API.

https://docs.gitlab.com/api/project_webhooks/
"""

from __future__ import annotations

import base64
import ipaddress
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import gitlab

from bot.core.diagnostics import Finding, about_labels
from bot.core.errors import Forbidden, OperatorError, TaglineError
from bot.core.types import Label
from bot.forges.gitlab.backend import HttpxBackend
from bot.forges.gitlab.checks import MAINTAINER, SIGNS_SINCE, GitLabChecks
from bot.forges.values import text
from bot.http import ClientPool

EVENTS = {
    "issues_events": True,
    "confidential_issues_events": False,
    "note_events": True,
    "push_events": False,
    "enable_ssl_verification": True,
}


def new_signing_token() -> str:
    """A random token in the form that GitLab and Standard Webhooks want."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Hooks:
    """The hooks of one project, or of one group."""

    def __init__(
        self, url: str, token: str, clients: ClientPool, path: str, *, group: bool
    ) -> None:
        self._gl = gitlab.Gitlab(
            url, token, keep_base_url=True, backend=HttpxBackend, clients=clients
        )
        self._owner = f"/{'groups' if group else 'projects'}/{quote(path, safe='')}"
        self._group = group
        self._checkup = GitLabChecks(url, token, clients)

    def signs(self) -> bool:
        """Whether the server can sign its deliveries."""
        return self._checkup.version() >= SIGNS_SINCE

    def find(self, hook_url: str) -> int:
        """The number of the hook with this address, 0 where there is none."""
        with self._explained(hook_url):
            hooks = self._get(f"{self._owner}/hooks?per_page=100")
        return next((int(hook["id"]) for hook in hooks if hook.get("url") == hook_url), 0)

    def put(self, hook_url: str, secret: dict[str, str]) -> int:
        """Make the hook, or bring the one that is there up to date; returns its number."""
        data = {"url": hook_url, **EVENTS, **secret}
        known = self.find(hook_url)
        with self._explained(hook_url):
            if known:
                self._gl.http_put(f"{self._owner}/hooks/{known}", post_data=data)
                return known
            made: Any = self._gl.http_post(f"{self._owner}/hooks", post_data=data)
        return int(made["id"])

    def test(self, hook: int) -> str:
        """Ask GitLab for a test delivery; "" where it arrived, else what GitLab says."""
        try:
            self._gl.http_post(f"{self._owner}/hooks/{hook}/test/issues_events")
        except TaglineError as error:
            return str(error)
        return ""

    def remove(self, hook_url: str) -> bool:
        """Remove the hook; False where there was none."""
        hook = self.find(hook_url)
        if hook:
            self._gl.http_delete(f"{self._owner}/hooks/{hook}")
        return bool(hook)

    def report(self, hook_url: str) -> Iterator[Finding]:
        """What the token may do, when it ends, and what would make labels better."""
        yield from self._checkup.about_token()
        yield self._about_role()
        yield from self._about_labels()
        if _is_local(hook_url):
            yield Finding(
                "the hook's address is local",
                "on a self-managed server an administrator must allow it: Admin → Settings →"
                " Network → Outbound requests → Allow requests to the local network from webhooks",
            )

    def _about_role(self) -> Finding:
        found = self._checkup.about_role(self._owner)
        if found.fix or self._checkup.level(self._owner) >= MAINTAINER:
            return found
        fix = "making a hook needs Maintainer: use such a token here, or add the hook by hand"
        return replace(found, fix=fix)

    def _about_labels(self) -> Iterator[Finding]:
        found = self._get(f"{self._owner}/labels?per_page=100")
        yield from about_labels([Label(text(x["name"]), text(x.get("description"))) for x in found])

    @contextmanager
    def _explained(self, hook_url: str) -> Iterator[None]:
        try:
            yield
        except Forbidden as error:
            raise OperatorError(f"{error}. {self._why_refused(hook_url)}") from None

    def _why_refused(self, hook_url: str) -> str:
        if self._group:
            return "Hooks of groups need GitLab Premium and the role Owner."
        why = "Hooks need the role Maintainer and the scope `api`"
        local = ", and an administrator must allow webhooks to local addresses"
        return why + (local if _is_local(hook_url) else "") + "."

    def _get(self, path: str) -> Any:
        return self._gl.http_get(path)


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".internal"))
    return address.is_private or address.is_loopback
