"""`tagline gitlab add-hook` and `remove-hook`."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.forges.gitlab.hooks import Hooks
    from bot.settings.load import Settings

F = Callable[..., Any]


@click.group()
def gitlab() -> None:
    """Set up a GitLab project or group for Tagline."""


def _options(command: F) -> F:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--apply", is_flag=True, help="Do it; without, it is only told."),
        click.option("--group", is_flag=True, help="PATH is a group (GitLab Premium)."),
        click.option("--url", required=True, help="https://your.host/webhooks/gitlab"),
        click.argument("path"),
    ):
        command = option(command)
    return command


@gitlab.command("add-hook")
@_options
def add_hook(path: str, url: str, group: bool, apply: bool, as_json: bool) -> None:
    """Make the webhook of PATH, or bring the one that is there up to date; then test it.

    Uses GITLAB_URL and GITLAB_TOKEN, which needs the role Maintainer for this. Where the server can
    sign its deliveries and no GITLAB_SIGNING_TOKEN is set, one is made and kept in DATA_DIR.
    """
    from bot.core.errors import TaglineError

    settings = _settings()
    lines: list[dict[str, str]] = []
    try:
        hooks = _hooks(settings, path, group)
        lines += [{"what": x.what, "fix": x.fix} for x in hooks.report(url)]
        known = hooks.find(url)
        if not apply:
            doing = f"would bring hook {known} up to date" if known else "would make a hook"
            lines.append({"what": f"{doing} for {url}", "fix": "add --apply to do it"})
        else:
            secret, told = _secret(settings, hooks)
            hook = hooks.put(url, secret)
            lines += [{"what": f"hook {hook} is in place", "fix": ""}, *told]
            problem = hooks.test(hook)
            fix = "look at the webhook's recent events in GitLab" if problem else ""
            lines.append({"what": problem or "a test delivery was sent", "fix": fix})
    except TaglineError as error:
        _print(lines, as_json)
        click.echo(f"Not done: {error}", err=True)
        sys.exit(1)
    _print(lines, as_json)


@gitlab.command("remove-hook")
@_options
def remove_hook(path: str, url: str, group: bool, apply: bool, as_json: bool) -> None:
    """Remove the webhook of PATH that calls this URL."""
    from bot.core.errors import TaglineError

    try:
        hooks = _hooks(_settings(), path, group)
        there = bool(hooks.find(url))
        if there and apply:
            hooks.remove(url)
    except TaglineError as error:
        click.echo(f"Not done: {error}", err=True)
        sys.exit(1)
    what = "the hook is removed" if apply else "the hook would be removed"
    fix = "" if apply else "add --apply to do it"
    _print([{"what": what, "fix": fix} if there else {"what": "no such hook", "fix": ""}], as_json)


def _settings() -> Settings:
    found = bootstrap.settings()
    if not found.gitlab_token:
        raise click.UsageError("GITLAB_TOKEN is not set: a token with the scope `api`.")
    return found


def _hooks(settings: Settings, path: str, group: bool) -> Hooks:
    from bot.forges.registry import gitlab_hooks

    return gitlab_hooks(settings, bootstrap.web(), path, group=group)


def _secret(settings: Settings, hooks: Hooks) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What GitLab is told to authenticate with, and what the operator has to set."""
    from bot.forges.gitlab.hooks import new_signing_token

    if hooks.signs():
        name, field, configured = (
            "GITLAB_SIGNING_TOKEN",
            "signing_token",
            settings.gitlab_signing_tokens,
        )
        make = new_signing_token
    else:
        name, field, configured = "GITLAB_WEBHOOK_SECRET", "token", settings.gitlab_webhook_secrets
        make = lambda: secrets.token_urlsafe(32)  # noqa: E731
    if configured:
        return {field: configured[0]}, []
    path = settings.data_dir / name.lower().replace("_", "-")
    made = _kept(path) or _keep(path, make())
    return {field: made}, [
        {"what": f"the secret is kept in {path}", "fix": f"set {name}_FILE={path}"}
    ]


def _kept(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""


def _keep(path: Path, secret: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret + "\n")
    return secret


def _print(lines: list[dict[str, str]], as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps({"v": 1, "lines": lines}))
        return
    for line in lines:
        click.echo(f"- {line['what']}" + (f"\n  → {line['fix']}" if line["fix"] else ""))
