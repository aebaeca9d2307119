"""Create, update, test and remove GitLab's webhook for Tagline through the API.

https://docs.gitlab.com/api/project_webhooks/
"""

from __future__ import annotations

import base64
import ipaddress
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from bot.core.diagnostics import Finding, about_labels
from bot.core.errors import Forbidden, NotFound, OperatorError, TaglineError
from bot.core.types import Label
from bot.forges.gitlab.backend import call, connect
from bot.forges.gitlab.checks import SIGNING_VERSION, GitLabChecks
from bot.forges.values import require_id, require_objects, text
from bot.http import ClientPool

EVENTS = {
    "issues_events": True,
    "confidential_issues_events": False,
    "note_events": True,  # for commands in comments
    "confidential_note_events": False,
    "push_events": False,
    "enable_ssl_verification": True,
}


def new_signing_token() -> str:
    """Return a random token in the form of GitLab and Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Hooks:
    """The webhooks of one project, or of one group."""

    def __init__(
        self, url: str, token: str, clients: ClientPool, path: str, *, group: bool
    ) -> None:
        self._gl = connect(url, token, clients)
        self._owner = f"/{'groups' if group else 'projects'}/{quote(path, safe='')}"
        self._group = group
        self._checks = GitLabChecks(url, token, clients)

    def signs(self) -> bool:
        """Return whether the server can sign its deliveries."""
        return self._checks.version() >= SIGNING_VERSION

    def find(self, hook_url: str) -> int:
        """Return the id of the webhook with this URL, 0 if there is none."""
        with self._explain_refusal(hook_url):
            hooks = self._list("hooks")
        same = (hook for hook in hooks if text(hook.get("url")).rstrip("/") == hook_url.rstrip("/"))
        return next((require_id("GitLab", hook) for hook in same), 0)

    def put(self, hook_id: int, hook_url: str, secret: dict[str, str]) -> int:
        """Update the webhook, or create one for the id 0; return its id."""
        data = {"url": hook_url, **EVENTS, **secret}
        with self._explain_refusal(hook_url):
            if hook_id:
                self._gl.http_put(f"{self._owner}/hooks/{hook_id}", post_data=data)
                return hook_id
            hook = call(lambda: self._gl.http_post(f"{self._owner}/hooks", post_data=data))
        return require_id("GitLab", hook)

    def test(self, hook_id: int) -> str:
        """Request a test delivery; return "" if it arrived, else GitLab's message."""
        try:
            self._gl.http_post(f"{self._owner}/hooks/{hook_id}/test/issues_events")
        except TaglineError as error:
            return str(error)
        return ""

    def remove(self, hook_id: int) -> None:
        self._gl.http_delete(f"{self._owner}/hooks/{hook_id}")

    def report(self, hook_url: str) -> Iterator[Finding]:
        """Yield findings about the token, the user's role, the labels and the URL."""
        yield from self._checks.check_token()
        with self._explain_refusal(hook_url):
            role = self._checks.check_role(self._owner, for_hooks=True)
        yield role
        yield from about_labels(
            [Label(text(x.get("name")), text(x.get("description"))) for x in self._list("labels")]
        )
        if _is_local(hook_url):
            yield Finding(
                "the hook's address is local",
                "on a self-managed server an administrator must allow it: Admin → Settings →"
                " Network → Outbound requests → Allow requests to the local network from webhooks",
            )

    @contextmanager
    def _explain_refusal(self, hook_url: str) -> Iterator[None]:
        try:
            yield
        except Forbidden as error:
            raise OperatorError(f"{error}. {self._why_refused(hook_url)}") from None
        except NotFound:
            missing = "no such group" if self._group else "no such project"
            hint = "" if self._group else "; for a group add --group"
            raise NotFound(f"{missing}, or the token cannot see it{hint}") from None

    def _why_refused(self, hook_url: str) -> str:
        if self._group:
            return "Hooks of groups need GitLab Premium and the role Owner."
        local = ", and an administrator must allow webhooks to local addresses"
        hint = local if _is_local(hook_url) else ""
        return f"Hooks need the role Maintainer and the scope `api`{hint}."

    def _list(self, name: str) -> list[dict[str, Any]]:
        path = f"{self._owner}/{name}?per_page=100"
        return require_objects("GitLab", call(lambda: self._gl.http_get(path)))


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".internal"))
    return address.is_private or address.is_loopback
