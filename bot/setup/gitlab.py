"""The step “GitLab”: a token is checked, the webhook is created, a test delivery is sent."""

from __future__ import annotations

from secrets import token_urlsafe

from bot.core.errors import NotFound, OperatorError, PermanentError
from bot.core.setup import ManualHook, SetupProblem
from bot.forges.gitlab.checks import NEEDS_MAINTAINER
from bot.forges.gitlab.hooks import Hooks, new_signing_token
from bot.forges.registry import gitlab_hooks
from bot.http import ClientPool
from bot.settings.load import Settings
from bot.settings.stored import GITLAB_HOOK
from bot.setup.address import require_public
from bot.setup.store import SetupStore

HOOK_PATH = "/webhooks/gitlab"
LABELS = {"signing_token": "Signing token", "token": "Secret token"}  # of GitLab's form
BY_HAND = "GitLab is connected. The token may not create webhooks, so create it by hand."
TOKEN_FIX = "create a token with the scope api and the role Maintainer in this project"


class GitLabSetup:
    def __init__(self, store: SetupStore, clients: ClientPool) -> None:
        self._store, self._clients = store, clients
        self.project = ""

    def connect(self, url: str, project: str, token: str) -> tuple[str, ManualHook | None]:
        """Check, create the webhook, store; return a message and what the person has to create."""
        url, project = url.strip().rstrip("/"), _read_project(project, url)
        if not token.strip():
            raise SetupProblem(f"Enter the token: {TOKEN_FIX}.")
        self._store.check()
        values = {"GITLAB_URL": url, "GITLAB_TOKEN": token.strip()}
        if url == self._store.settings.gitlab_url:
            values |= _list_secrets(self._store.settings)
        settings = self._store.preview(values)
        if not settings.poll_seconds:
            require_public("GitLab", url, settings.public_url)
        hooks = gitlab_hooks(settings, self._clients, project, group=False)
        may_create = self._check(hooks, settings)
        if settings.poll_seconds:
            self._store.save(values, GITLAB_HOOK)
            self.project = project
            return f"{project} is connected.", None
        name, field, secrets = _choose_secrets(hooks, settings, may_create=may_create)
        values[name] = ",".join(secrets)
        self._store.preview(values)
        hook_url = f"{settings.public_url}{HOOK_PATH}"
        old = hooks.find(hook_url) if may_create else 0
        hook = hooks.put(old, hook_url, {field: secrets[0]}) if may_create else 0
        try:
            self._store.save(values, GITLAB_HOOK)
        except SetupProblem:
            if hook and not old:
                hooks.remove(hook)
            raise
        self.project = project
        if hook:
            return _describe_test(hooks.test(hook)), None
        page = f"{url}/{project}/-/hooks"
        return BY_HAND, ManualHook(page, hook_url, LABELS[field], secrets[0])

    def _check(self, hooks: Hooks, settings: Settings) -> bool:
        """Return whether the token may create webhooks. Raises `SetupProblem` for a useless one."""
        may_create = True
        try:
            for finding in hooks.report(f"{settings.public_url}{HOOK_PATH}"):
                if finding.wrong:
                    raise SetupProblem(f"{_start(finding.what)}: {finding.fix}.")
                may_create = may_create and finding.fix != NEEDS_MAINTAINER
        except OperatorError as error:
            raise SetupProblem(f"{_start(str(error))}. To correct it, {TOKEN_FIX}.") from None
        except NotFound:  # its own text names an option of `tagline gitlab`
            raise SetupProblem(
                "No such project, or the token cannot see it: check the project's path and the"
                " token's role in it."
            ) from None
        except PermanentError as error:
            raise SetupProblem(
                f"{_start(str(error))}: check the project's path and the token's role in it."
            ) from None
        return may_create


def _read_project(text: str, url: str) -> str:
    path = text.strip().removeprefix(url).strip("/").removesuffix(".git")
    if "/" not in path or "://" in path or path.split() != [path]:
        raise SetupProblem("Write the project as in its address: GROUP/PROJECT.")
    return path


def _list_secrets(settings: Settings) -> dict[str, str]:
    """Return the variables with the secrets of the webhooks that there are."""
    secrets = {
        "GITLAB_SIGNING_TOKEN": settings.gitlab_signing_tokens,
        "GITLAB_WEBHOOK_SECRET": settings.gitlab_webhook_secrets,
    }
    return {name: ",".join(values) for name, values in secrets.items() if values}


def _choose_secrets(
    hooks: Hooks, settings: Settings, *, may_create: bool
) -> tuple[str, str, tuple[str, ...]]:
    """Return the variable, GitLab's field and all valid secrets, that of this webhook first.

    A secret that is stored already is not shown again, so a webhook that a person creates gets a
    new one beside those of other projects.
    """
    if hooks.signs():
        name, field, valid = "GITLAB_SIGNING_TOKEN", "signing_token", settings.gitlab_signing_tokens
        new = new_signing_token()
    else:
        name, field, valid = "GITLAB_WEBHOOK_SECRET", "token", settings.gitlab_webhook_secrets
        new = token_urlsafe(32)
    return name, field, valid if valid and may_create else (new, *valid)


def _describe_test(problem: str) -> str:
    if not problem:
        return "The webhook was created, and GitLab's test delivery arrived."
    if "has issues" in problem:
        return "The webhook was created. GitLab tests only projects with issues: open one now."
    return f"The webhook was created, but GitLab's test delivery did not arrive: {problem}"


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]
