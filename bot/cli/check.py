"""`tagline check`: runs every check and prints each problem with its fix."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from bot import log
from bot.cli import bootstrap, terminal
from bot.cli.options import json_option
from bot.core import refs
from bot.core.diagnostics import Finding, about_labels, about_unused_labels
from bot.core.errors import PermanentError, TaglineError, Unreachable
from bot.core.text.numbers import format_count
from bot.core.types import IssueRef
from bot.settings.load import Settings, SettingsError, load

if TYPE_CHECKING:
    import redis

    from bot.http import ClientPool

OLDEST_PYTHON = (3, 11)
COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
WIDTH = 8  # of a level
SHOWN_REPOSITORIES = 10
CORRECT = "change it in the environment or in .env"


@click.command()
@click.option("--repo", help="Check a repository too: github:OWNER/NAME or its URL.")
@json_option
def check(repo: str | None, as_json: bool) -> None:
    """Check everything that Tagline needs, and show the fix of each problem.

    Exits with 1 if there is a problem. Writes nothing, and sends one short prompt to each model.
    """
    report = _Report()
    _run_checks(report, repo)
    levels = Counter(finding.level for _, finding in report.lines)
    problems, warnings = levels["problem"], levels["warning"]
    if as_json:
        findings = [
            {"area": area, "what": x.what, "fix": x.fix, "level": x.level}
            for area, x in report.lines
        ]
        counts = {"problems": problems, "warnings": warnings}
        click.echo(json.dumps({"v": 1, "ok": not problems, **counts, "findings": findings}))
    else:
        for area, x in report.lines:
            _print(area, x)
        click.echo(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}")
    sys.exit(1 if problems else 0)


def _print(area: str, finding: Finding) -> None:
    """Print a finding; at a terminal in lines that fit."""
    fix = f" → {finding.fix}" if finding.fix else ""
    indent = " " * (WIDTH + 1)
    lines = terminal.wrap(f"{area}: {finding.what}{fix}", indent) or [""]
    level = click.style(finding.level.ljust(WIDTH), fg=COLOURS[finding.level])
    click.echo("\n".join([f"{level} {lines[0].removeprefix(indent)}", *lines[1:]]))


def _count(number: int, noun: str) -> str:
    return format_count(number, noun) if number else f"no {noun}s"


@dataclass
class _Report:
    lines: list[tuple[str, Finding]] = field(default_factory=list)

    def add(self, area: str, check: Callable[[], Iterable[Finding]], fix: str = "") -> None:
        """Run a check and add its findings. An error ends it and becomes a finding with `fix`."""
        import redis

        try:
            for finding in check():
                self.lines.append((area, finding))
        except Unreachable as error:
            self.lines.append((area, Finding(str(error), bootstrap.find_hint(error), wrong=True)))
        except TaglineError as error:
            self.lines.append((area, Finding(str(error), fix, wrong=True)))
        except redis.RedisError as error:
            what = f"does not answer ({type(error).__name__})"
            self.lines.append((area, Finding(what, fix, wrong=True)))
        except Exception as error:  # the other checks still run
            what, _ = bootstrap.describe_error(error)
            self.lines.append((area, Finding(what.removeprefix("Not done: "), wrong=True)))


def _run_checks(report: _Report, repo: str | None) -> None:
    from bot import wiring
    from bot.forges import registry

    report.add("python", _check_python)
    try:
        settings = load(os.environ, bootstrap.ENV_FILE)
        bootstrap.export_proxies(settings)
        clients = wiring.clients()
    except SettingsError as error:
        problems = [Finding(problem, CORRECT, wrong=True) for problem in error.problems]
        notices = [Finding(notice, CORRECT) for notice in error.notices]
        sources = Finding(bootstrap.describe_sources())
        report.add("settings", lambda: [*problems, *notices, sources])
        return
    click.get_current_context().call_on_close(clients.close)
    log.configure("error", settings.log_format, settings.secrets)
    ref = (
        bootstrap.parse_ref(settings, refs.repository, repo, "--repo") if repo is not None else None
    )
    report.add("settings", lambda: _check_settings(settings))
    report.add("network", lambda: map(Finding, clients.describe_proxies()))
    report.add("redis", lambda: _check_redis(settings), bootstrap.NO_REDIS)
    for name, forge in registry.FORGES.items():
        if forge.has_access(settings):
            report.add(name, partial(forge.check, settings, clients, ref), forge.settings_hint)
    if settings.poll_seconds:
        fix = "correct what is wrong with the forge above; nothing is polled until then"
        report.add("polling", lambda: _check_polling(settings, clients), fix)
    if settings.public_url:
        report.add("webhooks", lambda: registry.check_public_url(settings, clients))
    report.add("model", lambda: _check_models(settings, clients))
    if ref:
        fix = bootstrap.NO_REPOSITORY
        report.add("repository", lambda: _check_repository(settings, clients, ref), fix)


def _check_python() -> Iterator[Finding]:
    old = sys.version_info < OLDEST_PYTHON
    yield Finding(platform.python_version(), "use Python 3.11 or newer" if old else "", wrong=old)


def _check_settings(settings: Settings) -> Iterator[Finding]:
    missing: list[str] = []
    try:
        settings.require(webhook_secret=True, forge=True)
    except SettingsError as error:
        missing = error.problems
    yield Finding(bootstrap.describe_sources())
    if settings.stored:
        names = ", ".join(settings.stored)
        yield Finding(f"`tagline setup` stored {names} in {settings.stored_file}")
    yield from (Finding(problem, CORRECT, wrong=True) for problem in missing)
    notices = [*settings.notices, *settings.model_notices]
    notices += () if missing else settings.receiver_notices
    for notice in notices:
        yield Finding(notice, CORRECT)
    if not missing and not notices:
        yield Finding("nothing is missing or wrong")
    if settings.mode != "apply":
        yield Finding(
            f"TAGLINE_MODE is {settings.mode}", "set it to apply to write comments and labels"
        )


def _check_polling(settings: Settings, clients: ClientPool) -> Iterator[Finding]:
    """Yield how late an issue is found, and which repositories are polled."""
    from bot.flow.schedule_polls import NO_REPOSITORY, describe_delay
    from bot.forges.registry import FORGES
    from bot.wiring_periodic import named_repositories

    yield Finding(describe_delay(settings.poll_seconds))
    named = tuple(named_repositories(settings))
    for ref in named:
        try:
            found = FORGES[ref.forge].changes(settings, clients).find_repository(ref)
        except PermanentError as error:
            fix = f"correct TAGLINE_POLL_REPOS, or {bootstrap.NO_REPOSITORY}"
            yield Finding(f"{ref.repo_name}: {error}", fix, wrong=True)
        else:
            yield Finding(f"{found.repo_name} is polled")
    for name, forge in FORGES.items():
        if named or not forge.has_access(settings):
            continue
        refs = forge.changes(settings, clients).list_repositories()
        if not refs:
            yield Finding(f"{name}: {NO_REPOSITORY}", "or name some in TAGLINE_POLL_REPOS", True)
            continue
        shown = ", ".join(ref.repo for ref in refs[:SHOWN_REPOSITORIES])
        more = "" if len(refs) <= SHOWN_REPOSITORIES else ", ..."
        count = format_count(len(refs), "repository is", "repositories are")
        yield Finding(f"{name}: {count} polled: {shown}{more}")


def _check_redis(settings: Settings) -> Iterator[Finding]:
    import redis

    from bot.embedded.valkey import ServerUnavailable, find_server
    from bot.queue import checks

    where, client = _locate(settings.redis_url), bootstrap.open_redis(settings)
    if settings.has_redis_url or _may_run(client):
        try:
            yield from checks.report(client, where=where)
        except redis.RedisError as error:
            what = f"{where} does not answer ({type(error).__name__})"
            yield Finding(what, bootstrap.NO_REDIS, wrong=True)
        return
    try:
        find_server()
    except ServerUnavailable as missing:
        yield Finding("none is configured, and `tagline run` finds none", str(missing), wrong=True)
    else:
        yield Finding(
            "none is configured and none runs: `tagline run` brings one; `tagline serve` and"
            " `tagline worker` need REDIS_URL"
        )


def _may_run(client: redis.Redis) -> bool:
    """Return whether anything listens at the address of Redis."""
    import redis

    try:
        client.ping()
    except redis.RedisError as error:
        return type(error) not in (redis.ConnectionError, redis.TimeoutError)
    return True


def _locate(redis_url: str) -> str:
    """Return the address in a URL of Redis, without its password."""
    parts = urlsplit(redis_url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"


def _check_models(settings: Settings, clients: ClientPool) -> Iterator[Finding]:
    from bot import wiring
    from bot.llm.checks import check_model

    first = settings.model
    if first is None:
        yield Finding("none is configured: labels come from rules")
        return
    for one in first.all:
        client = wiring.model_client(one, clients)
        yield from check_model(client, one.variables, settings.secrets)


def _check_repository(settings: Settings, clients: ClientPool, repo: IssueRef) -> Iterator[Finding]:
    from bot.core.config import parser
    from bot.forges import registry

    entry = registry.FORGES[repo.forge]
    forge, repo = bootstrap.open_forge(settings, clients, repo)
    yield Finding(f"{repo.repo} can be read")
    yield from entry.check_repository(settings, clients, repo)
    names = settings.model.allowed_names if settings.model else ()
    for path in forge.list_unread_configs(repo):
        yield Finding(f"{path} is not read", f"move its content to {entry.config_path}")
    reading = parser.restrict_models(parser.read(forge.get_config_text(repo)), names)
    for problem in reading.problems:
        yield Finding(f"tagline.yml, {problem}", "correct that line", wrong=True)
    labels = forge.list_labels(repo)
    yield from about_unused_labels(labels, reading.config.labels)
    yield from about_labels(labels)
