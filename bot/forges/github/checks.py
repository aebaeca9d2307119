"""Checks for `tagline check`: the App, its permissions, events, installations and webhook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.core.diagnostics import Finding
from bot.core.errors import NotFound
from bot.forges.clock import check_clock
from bot.forges.github.auth import PERMISSIONS, AppAuth
from bot.forges.github.client import Credential, GitHubClient
from bot.forges.values import require_object, require_objects, text
from bot.http import ClientPool

# What the App is registered with, as in app.yaml.
NEEDED = {**PERMISSIONS, "metadata": "read"}
EVENTS = ("issues",)
WEBHOOK_PATH = "/webhooks/github"
RANK = {"read": 1, "write": 2, "admin": 3}
MISSING_PERMISSION = {
    "issues": "without it nothing can be written: set it in the App's settings",
    "metadata": "every App has it: look at the App's settings",
    "contents": "only for .github/tagline.yml; without it the defaults apply",
}
MISSING_EVENT = "subscribe to it in the App's settings: without it nothing arrives"
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

    def check_app(self, auth: AppAuth) -> Iterator[Finding]:
        credential = auth.app_jwt()
        yield check_clock("GitHub", self._clients, f"{self._url}/app", self._clock)
        app = require_object("GitHub", self._get("/app", credential))
        yield Finding(f"the App {text(app.get('slug'))} answers")
        yield from _check_permissions(app)
        yield from self._check_webhook(credential)
        installations = self._get("/app/installations?per_page=100", credential)
        yield from _check_installations(app, require_objects("GitHub", installations))

    def check_token(self, token: str) -> Iterator[Finding]:
        yield check_clock("GitHub", self._clients, f"{self._url}/user", self._clock)
        user = require_object("GitHub", self._get("/user", Credential(token=token)))
        login = text(user.get("login"))
        yield Finding(f"the token of {login} answers: comments will come from that user")

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
    granted, events = app.get("permissions") or {}, app.get("events") or ()
    for name, level in NEEDED.items():
        if RANK.get(granted.get(name, ""), 0) < RANK[level]:
            what = f"permission {name}: {granted.get(name, 'none')} instead of {level}"
            yield Finding(what, MISSING_PERMISSION[name], wrong=name != "contents")
        else:
            yield Finding(f"permission {name}: {granted[name]}")
    for name in EVENTS:
        if name in events:
            yield Finding(f"event {name}")
        else:
            yield Finding(f"event {name} is not sent", MISSING_EVENT, wrong=True)


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
