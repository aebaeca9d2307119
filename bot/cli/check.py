"""`tagline check`: every probe, each with its fix."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.core.diagnostics import Finding
    from bot.core.types import IssueRef
    from bot.http import ClientPool
    from bot.settings.load import Settings

OLDEST_PYTHON = (3, 11)
FIXES = {
    "redis": bootstrap.NO_REDIS,
    "github": "look at GITHUB_APP_ID, GITHUB_PRIVATE_KEY or GITHUB_TOKEN, and GITHUB_API_URL",
    "gitlab": "look at GITLAB_TOKEN and GITLAB_URL",
    "repository": "is it written rightly, and is the App or the token's user in it?",
}


@click.command()
@click.option("--repo", help="Look at a repository too: github:OWNER/NAME or its URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(repo: str | None, as_json: bool) -> None:
    """Try everything that Tagline needs and tell, for each thing that is wrong, what to do.

    Ends with 1 where something is wrong. Writes nothing; the model gets one tiny question.
    """
    report = _Report()
    _fill(report, repo)
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

    def add(self, area: str, probe: Callable[[], Iterable[Finding]]) -> None:
        """Run a probe; an error ends it and is a finding itself."""
        import redis

        from bot.core.diagnostics import Finding
        from bot.core.errors import TaglineError

        try:
            for finding in probe():
                self.lines.append((area, finding))
        except TaglineError as error:
            self.lines.append((area, Finding(str(error), FIXES.get(area, ""), wrong=True)))
        except redis.RedisError as error:
            what = f"does not answer ({type(error).__name__})"
            self.lines.append((area, Finding(what, FIXES.get(area, ""), wrong=True)))


def _fill(report: _Report, repo: str | None) -> None:
    from bot import log, wiring
    from bot.core import refs
    from bot.core.diagnostics import Finding
    from bot.settings.load import SettingsError, load

    report.add("python", _python)
    try:
        settings = load(os.environ, Path(".env"))
    except SettingsError as error:
        problems = [
            Finding(problem, "correct this setting", wrong=True) for problem in error.problems
        ]
        report.add("settings", lambda: problems)
        return
    log.configure("error", settings.log_format, settings.secrets)
    where = None
    if repo:
        try:
            where = refs.repository(repo, wiring.forge_hosts(settings))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--repo") from None
    clients = bootstrap.web()
    report.add("settings", lambda: _settings(settings))
    report.add("redis", lambda: _redis(settings))
    if settings.has_github:
        report.add("github", lambda: _github(settings, clients))
    if settings.gitlab_token:
        report.add("gitlab", lambda: _gitlab(settings, clients, where))
    report.add("model", lambda: _model(settings, clients))
    if where:
        report.add("repository", lambda: _repository(settings, clients, where))


def _python() -> Iterator[Finding]:
    from bot.core.diagnostics import Finding

    old = sys.version_info < OLDEST_PYTHON
    yield Finding(platform.python_version(), "use Python 3.11 or newer" if old else "", wrong=old)


def _settings(settings: Settings) -> Iterator[Finding]:
    from bot.core.diagnostics import Finding

    missing = bootstrap.unmet(settings)
    for problem in missing:
        what, _, fix = problem.partition(": ")
        yield Finding(what, fix or "set them", wrong=True)
    for notice in settings.notices:
        yield Finding(notice, "see .env.example")
    if not missing:
        yield Finding("nothing is missing or wrong")
    if settings.mode != "apply":
        yield Finding(f"TAGLINE_MODE is {settings.mode}", "set it to apply when you are content")


def _redis(settings: Settings) -> Iterator[Finding]:
    from bot.queue import checks

    client = bootstrap.redis_client(settings)
    try:
        yield from checks.report(client)
    finally:
        client.close()


def _github(settings: Settings, clients: ClientPool) -> Iterator[Finding]:
    from bot.forges.github.auth import AppAuth
    from bot.forges.github.checks import GitHubChecks
    from bot.forges.github.client import GitHubClient

    rest = GitHubClient(clients, settings.github_api_url)
    checkup = GitHubChecks(clients, settings.github_api_url, rest)
    if settings.github_app_id:
        return checkup.of_app(AppAuth(rest, settings.github_app_id, settings.github_private_key))
    return checkup.of_token(settings.github_token)


def _gitlab(settings: Settings, clients: ClientPool, repo: IssueRef | None) -> Iterator[Finding]:
    from bot.core.diagnostics import Finding
    from bot.forges.gitlab.checks import GitLabChecks

    yield from GitLabChecks(settings.gitlab_url, settings.gitlab_token, clients).report()
    if repo is None or repo.forge != "gitlab":
        yield Finding("the role is one in a project: --repo gitlab:GROUP/PROJECT tells it")


def _role(settings: Settings, clients: ClientPool, repo: IssueRef) -> Finding:
    from bot.forges.gitlab.checks import GitLabChecks

    checkup = GitLabChecks(settings.gitlab_url, settings.gitlab_token, clients)
    return checkup.about_role(f"/projects/{repo.repo_id}")


def _model(settings: Settings, clients: ClientPool) -> Iterator[Finding]:
    from bot import wiring
    from bot.core.diagnostics import Finding
    from bot.llm import checks

    first = settings.model
    if first is None:
        yield Finding("none is configured: labels come from rules")
        return
    for one in first.all:
        alone = replace(one, fallbacks=(), allowed=())
        (asked,) = wiring.models(alone, clients, wiring.no_store()).values()
        yield from checks.report(asked, one.key_variable, one.name_variable)


def _repository(settings: Settings, clients: ClientPool, repo: IssueRef) -> Iterator[Finding]:
    from bot import wiring
    from bot.core.config import docs, parser
    from bot.core.diagnostics import Finding, about_labels
    from bot.core.labels import policy

    forge = wiring.FORGES[repo.forge](settings, clients)
    where = forge.locate(repo)
    yield Finding(f"{where.repo} can be read")
    if where.forge == "gitlab" and settings.gitlab_token:
        yield _role(settings, clients, where)
    names = settings.model.allowed_names if settings.model else ()
    reading = parser.restrict_models(parser.read(forge.config_text(where)), names)
    for problem in reading.problems:
        yield Finding(f"tagline.yml, {problem}", "mend that line", wrong=True)
    for line, key in docs.notes(reading):
        yield Finding(f"tagline.yml, line {line}: {key} is accepted, without effect yet")
    found = forge.labels(where)
    usable = policy.usable_labels(found, reading.config.labels)
    fix = "" if usable or not found else "name some in labels.allow"
    yield Finding(f"{len(usable)} of {len(found)} labels may be applied", fix)
    yield from about_labels(found)
