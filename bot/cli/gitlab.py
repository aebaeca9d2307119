"""`tagline gitlab`: adds and removes the webhook of a project or group."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from bot.cli import bootstrap
from bot.cli.options import json_option
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.forges.gitlab.hooks import Hooks

F = Callable[..., Any]
Line = tuple[str, str]  # a result, and what to do about it or ""
HOOK_PATH = "/webhooks/gitlab"
NEEDS_APPLY = "add --apply to do it"


@click.group()
def gitlab() -> None:
    """Add or remove the webhook of a GitLab project or group."""


def _add_options(command: F) -> F:
    for option in (
        json_option,
        click.option("--apply", is_flag=True, help="Make the change; without it nothing changes."),
        click.option("--group", is_flag=True, help="PATH is a group (GitLab Premium)."),
        click.option(
            "--url", required=True, help=f"The webhook, https://your.host{HOOK_PATH}, or its host."
        ),
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
    Exits with 3 if the hook is set up, but the test delivery does not arrive.
    """
    url = _complete_url(url)
    if urlsplit(url).path.removesuffix(HOOK_PATH) == urlsplit(url).path:
        raise click.BadParameter(
            f"Tagline receives at {HOOK_PATH}: write https://your.host{HOOK_PATH}",
            param_hint="--url",
        )
    settings = _load_settings()
    lines: list[Line] = []
    problem = ""
    try:
        hooks = _open_hooks(settings, path, group)
        lines.extend((finding.what, finding.fix) for finding in hooks.report(url))
        hook = hooks.find(url)
        if apply:
            secret, secret_lines = _get_hook_secret(settings, hooks)
            hook = hooks.put(hook, url, secret)
            lines += [(f"hook {hook} is set up", ""), _list_triggers(), *secret_lines]
            problem = hooks.test(hook)
            lines.append(_describe_test(problem, is_configured=not secret_lines))
        else:
            change = f"would update hook {hook}" if hook else "would create a hook"
            lines += [(f"{change} for {url}", NEEDS_APPLY), _list_triggers()]
    finally:
        _print(lines, as_json)
    if problem:
        sys.exit(bootstrap.PARTIAL)


@gitlab.command("remove-hook")
@_add_options
def remove_hook(path: str, url: str, group: bool, apply: bool, as_json: bool) -> None:
    """Remove the webhook of PATH that calls this URL."""
    hooks = _open_hooks(_load_settings(), path, group)
    hook = hooks.find(_complete_url(url))
    if hook and apply:
        hooks.remove(hook)
    change = ("the hook is removed", "") if apply else ("the hook would be removed", NEEDS_APPLY)
    _print([change if hook else ("no such hook", "")], as_json)


def _complete_url(url: str) -> str:
    """Return a webhook's URL; where only a host is given, with the path. Raises `BadParameter`."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1)
    except ValueError:
        valid = False
    if not valid or url.split() != [url]:
        raise click.BadParameter(f"write https://your.host{HOOK_PATH}", param_hint="--url")
    return url if parts.path or parts.query or parts.fragment else url + HOOK_PATH


def _list_triggers() -> Line:
    from bot.forges.gitlab.hooks import EVENTS

    triggers = {name: on for name, on in EVENTS.items() if name.endswith("_events")}
    on, off = (
        ", ".join(name.replace("_", " ") for name, value in triggers.items() if value is wanted)
        for wanted in (True, False)
    )
    return f"triggers: {on}; not: {off}", ""


def _describe_test(problem: str, *, is_configured: bool) -> Line:
    """Return the result of a test delivery. GitLab sends none for a project without issues."""
    if not problem:
        return "a test delivery was sent, and the receiver accepted it", ""
    if "has issues" in problem:
        return f"no test delivery: {problem}", "open an issue; it is the test"
    first = "" if is_configured else "set the variable above, "
    start = f"{first}start it (`tagline run`), then press Test at the webhook in GitLab"
    return f"the receiver does not accept the test delivery yet: {problem}", start


def _load_settings() -> Settings:
    settings = bootstrap.load_settings()
    if not settings.gitlab_token:
        raise click.UsageError("GITLAB_TOKEN is not set. Set it to a token with the scope `api`.")
    return settings


def _open_hooks(settings: Settings, path: str, group: bool) -> Hooks:
    from bot.forges.registry import gitlab_hooks

    path = path.removeprefix(settings.gitlab_url).removeprefix("gitlab:").strip("/")
    if not path:
        raise click.BadParameter("write GROUP/PROJECT, or a group with --group", param_hint="PATH")
    path = path.removesuffix(".git")
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
    if path.is_file() and (secret := path.read_text(errors="replace").strip()):
        return secret
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
