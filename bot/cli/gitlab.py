"""`tagline gitlab`: adds and removes the webhook of a project or group."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.forges.gitlab.hooks import Hooks
    from bot.settings.load import Settings

F = Callable[..., Any]
Line = tuple[str, str]  # a result, and what to do about it or ""
NEEDS_APPLY = "add --apply to do it"


@click.group()
def gitlab() -> None:
    """Add or remove the webhook of a GitLab project or group."""


def _add_options(command: F) -> F:
    for option in (
        bootstrap.json_option,
        click.option("--apply", is_flag=True, help="Make the change; without it nothing changes."),
        click.option("--group", is_flag=True, help="PATH is a group (GitLab Premium)."),
        click.option("--url", required=True, help="The webhook: https://your.host/webhooks/gitlab"),
        click.argument("path"),
    ):
        command = option(command)
    return command


@gitlab.command("add-hook")
@_add_options
def add_hook(path: str, url: str, group: bool, apply: bool, as_json: bool) -> None:
    """Create or update the webhook of PATH, and send a test delivery.

    Uses GITLAB_URL and GITLAB_TOKEN; the token needs the role Maintainer. If the server can sign
    deliveries and GITLAB_SIGNING_TOKEN is not set, a token is created and stored in DATA_DIR.
    """
    settings = _load_settings()
    lines: list[Line] = []
    with bootstrap.exit_on_errors():
        hooks = _open_hooks(settings, path, group)
        try:
            lines.extend((finding.what, finding.fix) for finding in hooks.report(url))
            hook = hooks.find(url)
            if apply:
                secret, secret_lines = _get_hook_secret(settings, hooks)
                hook = hooks.put(hook, url, secret)
                lines += [(f"hook {hook} is set up", ""), *secret_lines]
                problem = hooks.test(hook)
                fix = "look at the webhook's recent events in GitLab" if problem else ""
                lines.append((problem or "a test delivery was sent", fix))
            else:
                change = f"would update hook {hook}" if hook else "would create a hook"
                lines.append((f"{change} for {url}", NEEDS_APPLY))
        finally:
            _print(lines, as_json)


@gitlab.command("remove-hook")
@_add_options
def remove_hook(path: str, url: str, group: bool, apply: bool, as_json: bool) -> None:
    """Remove the webhook of PATH that calls this URL."""
    with bootstrap.exit_on_errors():
        hooks = _open_hooks(_load_settings(), path, group)
        hook = hooks.find(url)
        if hook and apply:
            hooks.remove(hook)
    change = ("the hook is removed", "") if apply else ("the hook would be removed", NEEDS_APPLY)
    _print([change if hook else ("no such hook", "")], as_json)


def _load_settings() -> Settings:
    settings = bootstrap.load_settings()
    if not settings.gitlab_token:
        raise click.UsageError("GITLAB_TOKEN is not set. Set it to a token with the scope `api`.")
    return settings


def _open_hooks(settings: Settings, path: str, group: bool) -> Hooks:
    from bot.forges.registry import gitlab_hooks

    return gitlab_hooks(settings, bootstrap.open_clients(), path, group=group)


def _get_hook_secret(settings: Settings, hooks: Hooks) -> tuple[dict[str, str], list[Line]]:
    """Return the field of the hook with its secret, and what the operator has to set."""
    from bot.forges.gitlab.hooks import new_signing_token

    if hooks.signs():
        name, field = "GITLAB_SIGNING_TOKEN", "signing_token"
        configured, create = settings.gitlab_signing_tokens, new_signing_token
    else:
        name, field = "GITLAB_WEBHOOK_SECRET", "token"
        configured, create = settings.gitlab_webhook_secrets, secrets.token_urlsafe
    if configured:
        return {field: configured[0]}, []
    path = settings.data_dir / name.lower().replace("_", "-")
    line = (f"the secret is stored in {path}", f"set {name}_FILE={path}")
    return {field: _load_or_store(path, create)}, [line]


def _load_or_store(path: Path, create: Callable[[], str]) -> str:
    """Return the secret in a file, which is created for its owner only where it is missing."""
    if path.is_file():
        return path.read_text().strip()
    secret = create()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
    return secret


def _print(lines: list[Line], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"v": 1, "lines": [{"what": x, "fix": fix} for x, fix in lines]}))
        return
    for what, fix in lines:
        click.echo(f"- {what}" + (f"\n  → {fix}" if fix else ""))
