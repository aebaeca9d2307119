"""`tagline check`: runs every check and prints each problem with its fix."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.core.diagnostics import Finding
    from bot.core.types import IssueRef
    from bot.http import ClientPool
    from bot.settings.load import Settings

OLDEST_PYTHON = (3, 11)
NO_REPOSITORY = "check its spelling, and that the App or the token's user has access to it"


@click.command()
@click.option("--repo", help="Check a repository too: github:OWNER/NAME or its URL.")
@bootstrap.json_option
def check(repo: str | None, as_json: bool) -> None:
    """Check everything that Tagline needs, and show the fix of each problem.

    Exits with 1 if there is a problem. Writes nothing, and sends one short prompt to each model.
    """
    report = _Report()
    _run_checks(report, repo)
    wrong = any(finding.wrong for _, finding in report.lines)
    if as_json:
        findings = [
            {"area": area, "what": x.what, "fix": x.fix, "level": x.level}
            for area, x in report.lines
        ]
        click.echo(json.dumps({"v": 1, "ok": not wrong, "findings": findings}))
    else:
        for area, x in report.lines:
            fix = f" → {x.fix}" if x.fix else ""
            click.echo(f"{x.level:<8} {area}: {x.what}{fix}")
    sys.exit(1 if wrong else 0)


@dataclass
class _Report:
    lines: list[tuple[str, Finding]] = field(default_factory=list)

    def add(self, area: str, check: Callable[[], Iterable[Finding]], fix: str = "") -> None:
        """Run a check and add its findings. An error ends it and becomes a finding with `fix`."""
        import redis

        from bot.core.diagnostics import Finding
        from bot.core.errors import TaglineError

        try:
            for finding in check():
                self.lines.append((area, finding))
        except TaglineError as error:
            self.lines.append((area, Finding(str(error), fix, wrong=True)))
        except redis.RedisError as error:
            what = f"does not answer ({type(error).__name__})"
            self.lines.append((area, Finding(what, fix, wrong=True)))
        except Exception as error:  # the other checks still run
            what, _ = bootstrap.describe_error(error)
            self.lines.append((area, Finding(what.removeprefix("Not done: "), wrong=True)))


def _run_checks(report: _Report, repo: str | None) -> None:
    from bot import log, wiring
    from bot.core import refs
    from bot.core.diagnostics import Finding
    from bot.forges import registry
    from bot.settings.load import SettingsError, load

    report.add("python", _check_python)
    try:
        settings = load(os.environ, bootstrap.ENV_FILE)
        clients = wiring.clients()
    except SettingsError as error:
        problems = [_split_fix(problem) for problem in error.problems]
        report.add("settings", lambda: [*problems, Finding(bootstrap.describe_sources())])
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
    if settings.public_url:
        report.add("webhooks", lambda: registry.check_public_url(settings, clients))
    report.add("model", lambda: _check_models(settings, clients))
    if ref:
        report.add("repository", lambda: _check_repository(settings, clients, ref), NO_REPOSITORY)


def _check_python() -> Iterator[Finding]:
    from bot.core.diagnostics import Finding

    old = sys.version_info < OLDEST_PYTHON
    yield Finding(platform.python_version(), "use Python 3.11 or newer" if old else "", wrong=old)


def _check_settings(settings: Settings) -> Iterator[Finding]:
    from bot.core.diagnostics import Finding
    from bot.settings.load import SettingsError

    missing: list[str] = []
    try:
        settings.require(webhook_secret=True, forge=True)
    except SettingsError as error:
        missing = error.problems
    yield Finding(bootstrap.describe_sources())
    yield from map(_split_fix, missing)
    for notice in (*settings.notices, *settings.model_notices):
        yield Finding(notice, "see .env.example")
    if not missing:
        yield Finding("nothing is missing or wrong")
    if settings.mode != "apply":
        yield Finding(
            f"TAGLINE_MODE is {settings.mode}", "set it to apply to write comments and labels"
        )


def _split_fix(problem: str) -> Finding:
    """Return a problem of the settings, whose fix follows the last colon if there is one."""
    from bot.core.diagnostics import Finding

    what, _, fix = problem.rpartition(": ")
    return Finding(what or problem, fix if what else "correct this setting", wrong=True)


def _check_redis(settings: Settings) -> Iterator[Finding]:
    from bot.queue import checks

    yield from checks.report(bootstrap.open_redis(settings))


def _check_models(settings: Settings, clients: ClientPool) -> Iterator[Finding]:
    from bot import wiring
    from bot.core.diagnostics import Finding
    from bot.llm.checks import check_model

    first = settings.model
    if first is None:
        yield Finding("none is configured: labels come from rules")
        return
    for one in first.all:
        client = wiring.model_client(one, clients)
        yield from check_model(client, one.variables, settings.secrets)


def _check_repository(settings: Settings, clients: ClientPool, repo: IssueRef) -> Iterator[Finding]:
    from bot.core.config import docs, parser
    from bot.core.diagnostics import Finding, about_labels
    from bot.core.labels import policy
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
    for line, key in docs.notes(reading):
        yield Finding(f"tagline.yml, line {line}: {key} is accepted, without effect yet")
    all_labels = forge.list_labels(repo)
    usable = policy.usable_labels(all_labels, reading.config.labels)
    fix = "" if usable or not all_labels else "name some in labels.allow"
    yield Finding(f"{len(usable)} of {len(all_labels)} labels may be applied", fix)
    yield from about_labels(all_labels)
