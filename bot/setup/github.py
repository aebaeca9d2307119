"""The step “GitHub”: an App is registered from a manifest, and its secrets are stored."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from bot.core.errors import Retry, TaglineError
from bot.core.setup import Registration, SetupProblem
from bot.flow.setup import Pending, check_return
from bot.forges.github.auth import AppAuth
from bot.forges.github.client import GitHubClient
from bot.forges.github.manifest import (
    MAX_NAME,
    NewApp,
    RegisteredApp,
    build_manifest,
    convert,
    find_web_url,
    move_webhook,
    propose_name,
    read_account,
    read_app,
    registration_url,
)
from bot.http import ClientPool
from bot.settings.load import Settings
from bot.settings.stored import GITHUB_APP
from bot.setup.address import require_public
from bot.setup.store import SetupStore

TRIES, PAUSE_SECONDS = 3, 1.0


class GitHubSetup:
    """Keeps the newest registration that waits for the browser's return."""

    def __init__(
        self, store: SetupStore, clients: ClientPool, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._clients, self._clock = store, clients, clock
        self.pending: Pending | None = None
        self.app: RegisteredApp | None = None

    @property
    def install_url(self) -> str:
        """Return the page that installs the new App, "" before there is one."""
        if self.app is None:
            return ""
        web = urlsplit(find_web_url(self._store.settings.github_api_url))
        page = urlsplit(self.app.url)
        if (page.scheme, page.netloc) != (web.scheme, web.netloc):
            return ""
        return f"{self.app.url}/installations/new"

    def start(self, owner: str, name: str, setup_url: str) -> Registration:
        """Return the form for GitHub. `owner` is an organisation, "" for the user."""
        owner = read_account(owner)
        settings = self._store.settings
        self._store.check()
        self._store.require_unset(GITHUB_APP)
        if settings.public_url and not settings.poll_seconds:
            require_public("GitHub", settings.github_api_url, settings.public_url)
        name = name.strip() or propose_name(owner)
        if len(name) > MAX_NAME:
            raise SetupProblem(f"A name of an App has at most {MAX_NAME} characters: shorten it.")
        self.pending = Pending(secrets.token_urlsafe(24), owner, self._clock())
        public_url = "" if settings.poll_seconds else settings.public_url
        url = f"{registration_url(settings.github_api_url, owner)}?state={self.pending.state}"
        return Registration(url, build_manifest(name, public_url, setup_url))

    def finish(self, code: str, state: str) -> str:
        """Exchange the code that the browser brought, store the secrets; return the App's name."""
        check_return(self.pending, state, self._clock())
        settings = self._store.settings
        self._store.check()
        rest = GitHubClient(self._clients, settings.github_api_url)
        new = self._convert(rest, code, has_webhook=not settings.poll_seconds)
        self.pending = None
        values = {"GITHUB_APP_ID": new.app.app_id, "GITHUB_PRIVATE_KEY": new.private_key}
        if new.webhook_secret:
            values["GITHUB_WEBHOOK_SECRET"] = new.webhook_secret
        if url := settings.source.get("GITHUB_API_URL"):  # it may be set for this start only
            values["GITHUB_API_URL"] = url
        self._store.save(values, GITHUB_APP)
        self.app = new.app
        return new.app.slug

    def recall_app(self) -> None:
        """Read which App is configured already; if GitHub does not say, its page is not known."""
        settings = self._store.settings
        if not (settings.github_app_id and settings.github_private_key):
            return
        rest = GitHubClient(self._clients, settings.github_api_url)
        auth = AppAuth(rest, settings.github_app_id, settings.github_private_key)
        with suppress(TaglineError):
            self.app = self.app or read_app(rest, auth.app_jwt())

    def move_webhook(self, settings: Settings) -> str:
        """Set the App's webhook to the new address; return what a person has to do, "" for nothing.

        https://docs.github.com/en/rest/apps/webhooks#update-a-webhook-configuration-for-an-app
        """
        if not settings.github_app_id:
            return ""
        rest = GitHubClient(self._clients, settings.github_api_url)
        auth = AppAuth(rest, settings.github_app_id, settings.github_private_key)
        try:
            move_webhook(rest, auth.app_jwt(), settings.public_url)
        except TaglineError as error:
            return (
                f" The App's webhook could not be changed ({error}): set its URL in the App's"
                " settings on GitHub."
            )
        return " The App's webhook leads there now."

    def _convert(self, rest: GitHubClient, code: str, *, has_webhook: bool) -> NewApp:
        """Exchange a code. A code is valid once, so a passing failure is tried again here."""
        for _ in range(TRIES - 1):
            try:
                return convert(rest, code, has_webhook=has_webhook)
            except Retry:
                time.sleep(PAUSE_SECONDS)
        return convert(rest, code, has_webhook=has_webhook)
