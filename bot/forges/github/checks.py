"""Is GitHub ready for us: the App, its permissions and events, its installations, its webhook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.core.diagnostics import Finding
from bot.core.errors import PermanentError
from bot.forges.clock import about_clock
from bot.forges.github.auth import EVENTS, NEEDED, AppAuth
from bot.forges.github.client import JSON, Credential, GitHubClient
from bot.forges.values import text
from bot.http import ClientPool

HOOK_PATH = "/webhooks/github"
RANK = {"read": 1, "write": 2, "admin": 3}
LACKING = {
    "issues": "without it nothing can be written: set it in the App's settings",
    "metadata": "every App has it: look at the App's settings",
    "contents": "only for .github/tagline.yml; without it the defaults hold",
}
UNHEARD = {
    "issues": "subscribe to it in the App's settings: without it nothing arrives",
    "issue_comment": "subscribe to it in the App's settings: for commands in comments",
}
Json = Mapping[str, Any]


class GitHubChecks:
    """The probes of an App, or of a personal token. Nothing is written."""

    def __init__(
        self,
        clients: ClientPool,
        url: str,
        rest: GitHubClient,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clients, self._url, self._rest, self._clock = clients, url, rest, clock

    def of_app(self, auth: AppAuth) -> Iterator[Finding]:
        """Raises our errors where GitHub refuses."""
        who = auth.app_jwt()
        yield self._about_clock("/app", who.jwt)
        app = self._get("/app", who)
        yield Finding(f"the App {text(app.get('slug'))} answers")
        yield from _about_rights(app)
        yield from self._about_hook(who)
        installations = self._get("/app/installations?per_page=100", who)
        yield from _about_installations(app, installations)

    def of_token(self, token: str) -> Iterator[Finding]:
        """Raises our errors where GitHub refuses."""
        yield self._about_clock("/user", token)
        login = text(self._get("/user", Credential(token=token)).get("login"))
        yield Finding(f"the token of {login} answers: comments will come from that user")

    def _about_clock(self, path: str, bearer: str) -> Finding:
        headers = {"Authorization": f"Bearer {bearer}", "Accept": JSON}
        return about_clock("GitHub", self._clients, self._url + path, headers, self._clock)

    def _about_hook(self, who: Credential) -> Iterator[Finding]:
        try:
            hook = self._get("/app/hook/config", who)
        except PermanentError:
            hook = {}
        url = text(hook.get("url"))
        if not url:
            fix = f"set https://your.host{HOOK_PATH} in the App's settings"
            yield Finding("the App has no webhook URL", fix, wrong=True)
            return
        fix = "" if url.split("?")[0].endswith(HOOK_PATH) else f"it must end in {HOOK_PATH}"
        yield Finding(f"webhook URL: {url.split('?')[0]}", fix, wrong=bool(fix))
        if not hook.get("secret"):
            fix = "set it in the App's settings, as in GITHUB_WEBHOOK_SECRET"
            yield Finding("the webhook has no secret", fix, wrong=True)
        if str(hook.get("insecure_ssl", "0")) != "0":
            yield Finding("certificates are not verified", "turn on the webhook's SSL verification")

    def _get(self, path: str, who: Credential) -> Any:
        return self._rest.call("GET", path, {}, who)


def _about_rights(app: Json) -> Iterator[Finding]:
    granted, heard = app.get("permissions") or {}, app.get("events") or ()
    for name, level in NEEDED.items():
        if RANK.get(granted.get(name, ""), 0) < RANK[level]:
            what = f"permission {name}: {granted.get(name, 'none')} instead of {level}"
            yield Finding(what, LACKING[name], wrong=name != "contents")
        else:
            yield Finding(f"permission {name}: {granted[name]}")
    for name in EVENTS:
        if name in heard:
            yield Finding(f"event {name}")
        else:
            yield Finding(f"event {name} is not sent", UNHEARD[name], wrong=name == "issues")


def _about_installations(app: Json, installations: list[Json]) -> Iterator[Finding]:
    if not installations:
        fix = "install the App on your repositories (its settings → Install App)"
        yield Finding("the App is installed nowhere", fix, wrong=True)
    for one in installations:
        account = text((one.get("account") or {}).get("login"))
        fix = ""
        if one.get("suspended_at"):
            fix = "it is suspended: its owner can lift that"
        elif one.get("permissions") != app.get("permissions"):
            fix = "its owner has not accepted the App's present permissions yet"
        yield Finding(f"installed on {account}", fix)
