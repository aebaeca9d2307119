"""The supported forges, one entry each. An entry imports a part when it is first needed.

The receiver asks for webhook parsers only, so it loads no client, no JWT and no HTTP library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from bot.core.diagnostics import Finding
from bot.core.ports import DeliveryHistory, Forge, WebhookParser
from bot.core.refs import UrlForm
from bot.core.types import IssueRef

if TYPE_CHECKING:
    from bot.forges.gitlab.checks import GitLabChecks
    from bot.forges.gitlab.hooks import Hooks
    from bot.http import ClientPool
    from bot.settings.load import Settings


class ForgeClient(Forge, DeliveryHistory, Protocol):
    """All requests to one forge."""

    def locate(self, ref: IssueRef) -> IssueRef:
        """Complete a reference that a person typed."""


class ForgeEntry(Protocol):
    """What wiring and the commands need from a forge. `name` is its name in `IssueRef.forge`."""

    name: str
    settings_hint: str  # the fix that `tagline check` shows for an error

    def url_form(self, settings: Settings) -> UrlForm: ...

    def has_access(self, settings: Settings) -> bool:
        """Return whether there are credentials to write with."""

    def has_webhook_secret(self, settings: Settings) -> bool: ...

    def webhook_parser(self, settings: Settings) -> WebhookParser: ...

    def client(self, settings: Settings, clients: ClientPool) -> ForgeClient:
        """Return a client, which without credentials reads public issues."""

    def check(
        self, settings: Settings, clients: ClientPool, repo: IssueRef | None
    ) -> Iterator[Finding]:
        """Yield what `tagline check` finds about server and credentials."""

    def check_repository(
        self, settings: Settings, clients: ClientPool, repo: IssueRef
    ) -> Iterator[Finding]:
        """Yield what `tagline check` finds about the credentials' rights in a repository."""


class GitHubEntry:
    name = "github"
    settings_hint = "look at GITHUB_APP_ID, GITHUB_PRIVATE_KEY or GITHUB_TOKEN, and GITHUB_API_URL"

    def url_form(self, settings: Settings) -> UrlForm:
        api = urlsplit(settings.github_api_url).hostname or ""
        host = "github.com" if api == "api.github.com" else api
        return UrlForm(self.name, host, r"[\w.-]+/[\w.-]+", "/issues/", "owner/repository")

    def has_access(self, settings: Settings) -> bool:
        return settings.has_github

    def has_webhook_secret(self, settings: Settings) -> bool:
        return bool(settings.github_webhook_secrets)

    def webhook_parser(self, settings: Settings) -> WebhookParser:
        from bot.forges.github.webhooks import GitHubWebhooks

        return GitHubWebhooks(
            settings.github_webhook_secrets,
            self.url_form(settings).host,
            needs_installation=not settings.github_token,
        )

    def client(self, settings: Settings, clients: ClientPool) -> ForgeClient:
        from bot.forges.github.api import GitHub
        from bot.forges.github.auth import AppAuth, Auth, NoAuth, TokenAuth
        from bot.forges.github.client import GitHubClient

        rest = GitHubClient(clients, settings.github_api_url)
        auth: Auth = NoAuth()
        if settings.github_app_id:
            auth = AppAuth(rest, settings.github_app_id, settings.github_private_key)
        elif settings.github_token:
            auth = TokenAuth(rest, settings.github_token)
        return GitHub(rest, auth)

    def check(
        self, settings: Settings, clients: ClientPool, repo: IssueRef | None
    ) -> Iterator[Finding]:
        from bot.forges.github.auth import AppAuth
        from bot.forges.github.checks import GitHubChecks
        from bot.forges.github.client import GitHubClient

        rest = GitHubClient(clients, settings.github_api_url)
        checks = GitHubChecks(clients, settings.github_api_url, rest)
        if not settings.github_app_id:
            return checks.of_token(settings.github_token)
        return checks.of_app(AppAuth(rest, settings.github_app_id, settings.github_private_key))

    def check_repository(
        self, settings: Settings, clients: ClientPool, repo: IssueRef
    ) -> Iterator[Finding]:
        return iter(())


class GitLabEntry:
    name = "gitlab"
    settings_hint = "look at GITLAB_TOKEN and GITLAB_URL"

    def url_form(self, settings: Settings) -> UrlForm:
        web = urlsplit(settings.gitlab_url)
        path, middle = r"[\w.-]+(?:/[\w.-]+)+", "/-/(?:issues|work_items)/"
        return UrlForm(self.name, f"{web.hostname}{web.path}", path, middle, "group/project")

    def has_access(self, settings: Settings) -> bool:
        return bool(settings.gitlab_token)

    def has_webhook_secret(self, settings: Settings) -> bool:
        return bool(settings.gitlab_signing_tokens or settings.gitlab_webhook_secrets)

    def webhook_parser(self, settings: Settings) -> WebhookParser:
        from bot.forges.gitlab.webhooks import GitLabWebhooks

        return GitLabWebhooks(
            self.url_form(settings).host,
            settings.gitlab_signing_tokens,
            settings.gitlab_webhook_secrets,
            settings.gitlab_issue_types,
        )

    def client(self, settings: Settings, clients: ClientPool) -> ForgeClient:
        from bot.forges.gitlab.api import GitLab

        return GitLab(
            settings.gitlab_url, settings.gitlab_token, clients, settings.gitlab_issue_types
        )

    def hooks(self, settings: Settings, clients: ClientPool, path: str, *, group: bool) -> Hooks:
        """Return the webhooks of a project or group; only `tagline gitlab` needs them."""
        from bot.forges.gitlab.hooks import Hooks

        return Hooks(settings.gitlab_url, settings.gitlab_token, clients, path, group=group)

    def check(
        self, settings: Settings, clients: ClientPool, repo: IssueRef | None
    ) -> Iterator[Finding]:
        yield from self._checks(settings, clients).report()
        if repo is None or repo.forge != self.name:
            yield Finding("the role is one in a project: --repo gitlab:GROUP/PROJECT tells it")

    def check_repository(
        self, settings: Settings, clients: ClientPool, repo: IssueRef
    ) -> Iterator[Finding]:
        if self.has_access(settings):
            yield self._checks(settings, clients).about_role(f"/projects/{repo.repo_id}")

    def _checks(self, settings: Settings, clients: ClientPool) -> GitLabChecks:
        from bot.forges.gitlab.checks import GitLabChecks

        return GitLabChecks(settings.gitlab_url, settings.gitlab_token, clients)


GITLAB = GitLabEntry()
FORGES: dict[str, ForgeEntry] = {entry.name: entry for entry in (GitHubEntry(), GITLAB)}
