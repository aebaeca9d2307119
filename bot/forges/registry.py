"""The supported forges, one entry each. An entry imports each part on its first use.

The receiver uses webhook parsers only, so it loads no client, no JWT and no HTTP library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from bot.core.diagnostics import Finding
from bot.core.events import Event, Ignored
from bot.core.ports import DeliveryHistory, Forge, IssueHistorySource, WebhookParser
from bot.core.refs import UrlForm
from bot.core.types import IssueRef

if TYPE_CHECKING:
    from bot.core.labels.common_labels import NewLabel
    from bot.core.polling_ports import ChangeSource
    from bot.forges.github.api import GitHub
    from bot.forges.github.checks import GitHubChecks
    from bot.forges.github.deliveries import Deliveries
    from bot.forges.gitlab.checks import GitLabChecks
    from bot.forges.gitlab.hooks import Hooks
    from bot.http import ClientPool
    from bot.settings.load import Settings


GITHUB_SECONDS_PER_ISSUE = 0.7
PUBLIC_GITHUB_API, PUBLIC_GITLAB = "api.github.com", "gitlab.com"


class EventParser(Protocol):
    def parse(self, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
        """Return the event of a payload, or why it needs no job. Raises `Rejected`."""


class ForgeClient(Forge, DeliveryHistory, IssueHistorySource, Protocol):
    """All requests to one forge."""

    def complete_ref(self, ref: IssueRef) -> IssueRef:
        """Return a reference from the command line, completed with the forge's ids."""

    def create_label(self, ref: IssueRef, label: NewLabel) -> bool:
        """Create a label of the repository; return False where it has one of that name."""

    def list_unread_configs(self, ref: IssueRef) -> tuple[str, ...]:
        """Return files that people may take for the configuration: in other places, or a second."""


@dataclass(frozen=True, slots=True)
class ForgeEntry:
    """The parts of a forge for wiring and the commands. `tagline check` calls the `check`s."""

    name: str  # as in `IssueRef.forge`
    settings_hint: str  # the fix for an error of `check`
    url_variable: str  # with the address of the API
    token_variable: str  # with a token that also the command line uses
    config_path: str  # where people should put a repository's configuration
    # Seconds between the starts of two issues that a command writes to, one after the other.
    seconds_per_issue: Callable[[Settings], float]
    url_form: Callable[[Settings], UrlForm]
    has_access: Callable[[Settings], bool]  # whether there are credentials to write with
    has_webhook_secret: Callable[[Settings], bool]
    webhook_parser: Callable[[Settings], WebhookParser]
    event_parser: Callable[[Settings], EventParser]  # of a job of continuous integration
    sign_ping: Callable[[Settings, bytes], Mapping[str, str]]  # headers of a delivery without a job
    client: Callable[[Settings, ClientPool], ForgeClient]  # without credentials for public issues
    changes: Callable[[Settings, ClientPool], ChangeSource]  # for polling, with credentials
    check: Callable[[Settings, ClientPool, IssueRef | None], Iterator[Finding]]
    check_repository: Callable[[Settings, ClientPool, IssueRef], Iterator[Finding]]


def _build_github_url_form(settings: Settings) -> UrlForm:
    """Return how GitHub writes addresses. On GHE.com the API of a company is at `api.`.

    An Enterprise Server's API may be reached under another name than its pages.
    """
    api = urlsplit(settings.github_api_url).hostname or ""
    is_public, on_ghe_com = api == PUBLIC_GITHUB_API, api.endswith(".ghe.com")
    return UrlForm(
        *("github", "github.com" if is_public else api),
        *(r"[\w.-]+/[\w.-]+", "/issues/", "owner/repository"),
        web_host="" if is_public else api.removeprefix("api."),
        any_host=not is_public and not on_ghe_com,
    )


def _find_github_pace(settings: Settings) -> float:
    """Return a pace within the secondary limits of github.com: 900 points a minute.

    An issue takes about 10. https://docs.github.com/en/rest/using-the-rest-api/rate-limits
    """
    is_own = _build_github_url_form(settings).any_host  # an Enterprise Server's limits are off
    return 0.0 if is_own else GITHUB_SECONDS_PER_ISSUE


def _create_github_parser(settings: Settings) -> WebhookParser:
    from bot.forges.github.webhooks import GitHubWebhooks

    return GitHubWebhooks(settings.github_webhook_secrets, _build_github_url_form(settings).host)


def _create_github_event_parser(settings: Settings) -> EventParser:
    from bot.forges.github.webhooks import GitHubEvents

    return GitHubEvents(_build_github_url_form(settings).host)


def _sign_github_ping(settings: Settings, body: bytes) -> Mapping[str, str]:
    from bot.forges.github.webhooks import sign_ping

    return sign_ping(settings.github_webhook_secrets[0], body)


def _create_github_changes(settings: Settings, clients: ClientPool) -> ChangeSource:
    from bot.forges.github.changes import GitHubChanges

    github = _create_github_client(settings, clients)
    return GitHubChanges(github, _build_github_url_form(settings).host)


def _create_github_client(settings: Settings, clients: ClientPool) -> GitHub:
    from bot.forges.github.api import GitHub
    from bot.forges.github.auth import (
        INSTALLATION_TOKEN,
        AppAuth,
        Auth,
        TokenAuth,
        WorkflowTokenAuth,
    )
    from bot.forges.github.client import GitHubClient

    rest = GitHubClient(clients, settings.github_api_url)
    auth = Auth()
    if settings.github_app_id:
        auth = AppAuth(rest, settings.github_app_id, settings.github_private_key)
    elif settings.github_token.startswith(INSTALLATION_TOKEN):
        auth = WorkflowTokenAuth(settings.github_token)
    elif settings.github_token:
        auth = TokenAuth(rest, settings.github_token)
    return GitHub(rest, auth, _build_github_url_form(settings).host)


def _check_github(
    settings: Settings, clients: ClientPool, _repo: IssueRef | None
) -> Iterator[Finding]:
    from bot.forges.github.auth import AppAuth

    checks = _create_github_checks(settings, clients)
    auth = _create_github_client(settings, clients).api.auth
    if not isinstance(auth, AppAuth):
        return checks.check_token(settings.github_token)
    receives = bool(settings.github_webhook_secrets) or not settings.poll_seconds
    return checks.check_app(auth, receives=receives)


def _create_github_checks(settings: Settings, clients: ClientPool) -> GitHubChecks:
    from bot.forges.github.checks import GitHubChecks
    from bot.forges.github.client import GitHubClient

    rest = GitHubClient(clients, settings.github_api_url)
    return GitHubChecks(clients, settings.github_api_url, rest)


def _check_github_repository(
    settings: Settings, clients: ClientPool, repo: IssueRef
) -> Iterator[Finding]:
    if settings.github_token and not settings.github_app_id:
        yield _create_github_checks(settings, clients).check_role(settings.github_token, repo.repo)


def _build_gitlab_url_form(settings: Settings) -> UrlForm:
    web = urlsplit(settings.gitlab_url)
    path, middle = r"[\w.-]+(?:/[\w.-]+)+", "/-/(?:issues|work_items)/"
    own = not web.path and web.hostname != PUBLIC_GITLAB
    host = f"{web.hostname}{web.path}"
    return UrlForm("gitlab", host, path, middle, "group/project", any_host=own)


def _create_gitlab_parser(settings: Settings) -> WebhookParser:
    from bot.forges.gitlab.webhooks import GitLabWebhooks

    host, types = _build_gitlab_url_form(settings).host, settings.gitlab_issue_types
    tokens, secrets = settings.gitlab_signing_tokens, settings.gitlab_webhook_secrets
    return GitLabWebhooks(host, tokens, secrets, types)


def _create_gitlab_event_parser(settings: Settings) -> EventParser:
    from bot.forges.gitlab.webhooks import GitLabEvents

    return GitLabEvents(_build_gitlab_url_form(settings).host, settings.gitlab_issue_types)


def _sign_gitlab_ping(settings: Settings, body: bytes) -> Mapping[str, str]:
    from bot.forges.gitlab.webhooks import sign_ping

    return sign_ping(body, settings.gitlab_signing_tokens, settings.gitlab_webhook_secrets)


def _create_gitlab_client(settings: Settings, clients: ClientPool) -> ForgeClient:
    from bot.forges.gitlab.api import GitLab

    host, types = _build_gitlab_url_form(settings).host, settings.gitlab_issue_types
    return GitLab(settings.gitlab_url, settings.gitlab_token, clients, types, host)


def _create_gitlab_changes(settings: Settings, clients: ClientPool) -> ChangeSource:
    from bot.forges.gitlab.changes import GitLabChanges

    host, types = _build_gitlab_url_form(settings).host, settings.gitlab_issue_types
    return GitLabChanges(settings.gitlab_url, settings.gitlab_token, clients, types, host)


def _create_gitlab_checks(settings: Settings, clients: ClientPool) -> GitLabChecks:
    from bot.forges.gitlab.checks import GitLabChecks

    return GitLabChecks(settings.gitlab_url, settings.gitlab_token, clients)


def _check_gitlab(
    settings: Settings, clients: ClientPool, repo: IssueRef | None
) -> Iterator[Finding]:
    yield from _create_gitlab_checks(settings, clients).check_server()
    if repo is None or repo.forge != "gitlab":
        yield Finding(
            "the role depends on the project: add --repo gitlab:GROUP/PROJECT to check it"
        )


def _check_gitlab_repository(
    settings: Settings, clients: ClientPool, repo: IssueRef
) -> Iterator[Finding]:
    if settings.gitlab_token:
        checks, project = _create_gitlab_checks(settings, clients), f"/projects/{repo.repo_id}"
        yield checks.check_role(project)
        yield from checks.check_hooks(project)


def gitlab_hooks(settings: Settings, clients: ClientPool, path: str, *, group: bool) -> Hooks:
    """Return the webhooks of a project or group, for `tagline gitlab`."""
    from bot.forges.gitlab.hooks import Hooks

    return Hooks(settings.gitlab_url, settings.gitlab_token, clients, path, group=group)


def github_deliveries(settings: Settings, clients: ClientPool) -> Deliveries:
    """Return the webhook deliveries of the GitHub App, for `tagline github`."""
    return _create_github_client(settings, clients).deliveries


def check_public_url(settings: Settings, clients: ClientPool) -> Iterator[Finding]:
    """Return findings about a ping to each webhook endpoint, through any proxy before it."""
    from bot.forges.public_url import Ping, check_public_url

    pings = (
        Ping(name, partial(entry.sign_ping, settings))
        for name, entry in FORGES.items()
        if entry.has_webhook_secret(settings)
    )
    return check_public_url(clients, settings.public_url, pings)


FORGES = {
    "github": ForgeEntry(
        name="github",
        settings_hint="look at GITHUB_APP_ID, GITHUB_PRIVATE_KEY or GITHUB_TOKEN, and"
        " GITHUB_API_URL",
        url_variable="GITHUB_API_URL",
        token_variable="GITHUB_TOKEN",
        config_path=".github/tagline.yml",
        seconds_per_issue=_find_github_pace,
        url_form=_build_github_url_form,
        has_access=lambda settings: settings.has_github,
        has_webhook_secret=lambda settings: bool(settings.github_webhook_secrets),
        webhook_parser=_create_github_parser,
        event_parser=_create_github_event_parser,
        sign_ping=_sign_github_ping,
        client=_create_github_client,
        changes=_create_github_changes,
        check=_check_github,
        check_repository=_check_github_repository,
    ),
    "gitlab": ForgeEntry(
        name="gitlab",
        settings_hint="look at GITLAB_TOKEN and GITLAB_URL",
        url_variable="GITLAB_URL",
        token_variable="GITLAB_TOKEN",
        config_path=".gitlab/tagline.yml",
        seconds_per_issue=lambda _: 0.0,
        url_form=_build_gitlab_url_form,
        has_access=lambda settings: bool(settings.gitlab_token),
        has_webhook_secret=lambda settings: bool(
            settings.gitlab_signing_tokens or settings.gitlab_webhook_secrets
        ),
        webhook_parser=_create_gitlab_parser,
        event_parser=_create_gitlab_event_parser,
        sign_ping=_sign_gitlab_ping,
        client=_create_gitlab_client,
        changes=_create_gitlab_changes,
        check=_check_gitlab,
        check_repository=_check_gitlab_repository,
    ),
}


def list_accessible_forges(settings: Settings) -> tuple[str, ...]:
    """Return the names of the forges for which there are credentials."""
    return tuple(name for name, entry in FORGES.items() if entry.has_access(settings))
