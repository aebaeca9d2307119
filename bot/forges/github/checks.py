"""Checks for `tagline check`: the App, its permissions, events, installations and webhook; a
token, its scopes and expiry, and its user's role in a repository."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.core.diagnostics import Finding
from bot.core.errors import NotFound
from bot.forges.clock import check_clock
from bot.forges.github.auth import PERMISSIONS, AppAuth
from bot.forges.github.changes import why_not
from bot.forges.github.client import Credential, GitHubClient
from bot.forges.values import require_object, require_objects, text, timestamp
from bot.http import ClientPool

# What the App is registered with, as in app.yaml.
NEEDED = {**PERMISSIONS, "metadata": "read"}
EVENTS = ("issues", "issue_comment")
WEBHOOK_PATH = "/webhooks/github"
RANK = {"read": 1, "write": 2, "admin": 3}
MISSING_PERMISSION = {
    "issues": "without it nothing can be written: set it in the App's settings",
    "metadata": "every App has it: look at the App's settings",
    "contents": "only for .github/tagline.yml; without it the defaults apply",
}
MISSING_EVENT = {
    "issues": "subscribe to it in the App's settings: without it nothing arrives",
    "issue_comment": "subscribe to it in the App's settings (Issue comment): without it commands in"
    " comments have no effect",
}
EXPIRY = "github-authentication-token-expiration"
EXPIRES_SOON_DAYS = 30
SCOPES = frozenset({"repo", "public_repo"})
NEEDED_ROLE = "give the token's user the role Triage or more, or correct what is said here"
Json = Mapping[str, Any]


class GitHubChecks:
    """Checks of an App or of a personal token. They write nothing, and raise GitHub's errors."""

    def __init__(
        self,
        clients: ClientPool,
        url: str,
        rest: GitHubClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clients, self._url, self._rest, self._clock = clients, url, rest, clock

    def check_app(self, auth: AppAuth, *, receives: bool = True) -> Iterator[Finding]:
        """Yield findings about the App; without `receives` it needs no events and no webhook."""
        credential = auth.app_jwt()
        yield check_clock("GitHub", self._clients, f"{self._url}/app", self._clock)
        app = require_object("GitHub", self._get("/app", credential))
        yield Finding(f"the App {text(app.get('slug'))} answers")
        yield from _check_permissions(app)
        if receives:
            yield from _check_events(app)
            yield from self._check_webhook(credential)
        installations = self._get("/app/installations?per_page=100", credential)
        yield from _check_installations(app, require_objects("GitHub", installations))

    def check_token(self, token: str) -> Iterator[Finding]:
        yield check_clock("GitHub", self._clients, f"{self._url}/user", self._clock)
        user, headers = self._rest.read("/user", Credential(token=token))
        login = text(require_object("GitHub", user).get("login"))
        yield Finding(f"the token of {login} answers: comments will come from that user")
        yield _check_scopes(headers.get("x-oauth-scopes"))
        yield _check_expiry(headers.get(EXPIRY, ""), self._clock())

    def check_role(self, token: str, repository: str) -> Finding:
        """Return the finding about the role of the token's user in a repository."""
        data = self._get(f"/repos/{repository}", Credential(token=token))
        why = why_not(require_object("GitHub", data))
        return Finding(why or "its issues can be labelled", NEEDED_ROLE if why else "", bool(why))

    def _check_webhook(self, credential: Credential) -> Iterator[Finding]:
        try:
            webhook = require_object("GitHub", self._get("/app/hook/config", credential))
        except NotFound:
            webhook = {}
        url = text(webhook.get("url")).split("?")[0]
        if not url:
            fix = f"set https://your.host{WEBHOOK_PATH} in the App's settings"
            yield Finding("the App has no webhook URL", fix, wrong=True)
            return
        fix = "" if url.rstrip("/").endswith(WEBHOOK_PATH) else f"it must end in {WEBHOOK_PATH}"
        yield Finding(f"webhook URL: {url}", fix, wrong=bool(fix))
        if not webhook.get("secret"):
            fix = "set it in the App's settings, as in GITHUB_WEBHOOK_SECRET"
            yield Finding("the webhook has no secret", fix, wrong=True)
        if str(webhook.get("insecure_ssl", "0")) != "0":
            yield Finding("certificates are not verified", "turn on the webhook's SSL verification")

    def _get(self, path: str, credential: Credential) -> Any:
        return self._rest.call("GET", path, {}, credential)


def _check_permissions(app: Json) -> Iterator[Finding]:
    granted = app.get("permissions") or {}
    for name, level in NEEDED.items():
        if RANK.get(granted.get(name, ""), 0) < RANK[level]:
            what = f"permission {name}: {granted.get(name, 'none')} instead of {level}"
            yield Finding(what, MISSING_PERMISSION[name], wrong=name != "contents")
        else:
            yield Finding(f"permission {name}: {granted[name]}")


def _check_events(app: Json) -> Iterator[Finding]:
    events = app.get("events") or ()
    for name in EVENTS:
        if name in events:
            yield Finding(f"event {name}")
        else:
            missing = MISSING_EVENT[name]
            yield Finding(f"event {name} is not sent", missing, wrong=name == "issues")


def _check_scopes(scopes: str | None) -> Finding:
    """Return the finding about a token's scopes; GitHub gives those of classic tokens only.

    https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    """
    if scopes is None:
        return Finding(
            "the token is fine-grained: it needs the permissions Issues (read and write),"
            " Contents (read) and Metadata (read)"
        )
    given = [scope.strip() for scope in scopes.split(",")]
    fix = "" if SCOPES.intersection(given) else "create a token with the scope repo or public_repo"
    return Finding(f"token scopes: {scopes or 'none'}", fix, wrong=bool(fix))


def _check_expiry(expires_at: str, now: float) -> Finding:
    """Return the finding about a header such as `2026-12-31 08:00:00 UTC`."""
    at = timestamp(expires_at.replace(" UTC", "+00:00"))
    if not at:
        return Finding("the token does not expire")
    soon = at - now < EXPIRES_SOON_DAYS * 86_400
    fix = "replace it soon: without it nothing is written" if soon else ""
    return Finding(f"the token expires at {expires_at}", fix)


def _check_installations(app: Json, installations: Sequence[Json]) -> Iterator[Finding]:
    if not installations:
        fix = "install the App on your repositories (its settings → Install App)"
        yield Finding("the App is installed nowhere", fix, wrong=True)
    for installation in installations:
        account = text((installation.get("account") or {}).get("login"))
        fix = ""
        if installation.get("suspended_at"):
            fix = "it is suspended: its owner can resume it"
        elif installation.get("permissions") != app.get("permissions"):
            fix = "its owner has not accepted the App's current permissions yet"
        yield Finding(f"installed on {account}", fix)
