"""`tagline undo`: takes back what Tagline wrote since a time, where nobody touched it since."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot.cli import bootstrap, terminal
from bot.cli.known_repositories import find_known, list_known
from bot.cli.options import json_option
from bot.core.text.sanitize import to_one_line
from bot.core.text.since import parse_since
from bot.core.types import IssueRef, Job
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.flow.undo_since import UndoneIssue, UndoState
    from bot.store.redis import RedisStore

JOURNAL_DAYS = 30
# With --apply, and without.
WORDS: Mapping[bool, Mapping[UndoState, str]] = {
    True: {"undone": "undone", "left": "left", "unreachable": "unreachable"},
    False: {"undone": "would undo", "left": "leaves", "unreachable": "unreachable"},
}


@click.command()
@click.option(
    "--since", required=True, metavar="TIME", help="30m, 2h, 3d, or an ISO time (UTC by default)."
)
@click.option("--repo", metavar="REPO", help="Only this repository: github:OWNER/NAME or a URL.")
@click.option("--apply", "applies", is_flag=True, help="Take it back.")
@json_option
def undo(since: str, repo: str | None, applies: bool, as_json: bool) -> None:
    """Take back what Tagline wrote to issues since a time: labels, types, suggestions, comments.

    Without --apply the command lists what it would do. An issue is restored as a whole or left as
    it is, with the reason: people changed its labels or type since, decided on a suggestion or
    deleted the comment, or Tagline had written to it before that time, too. Nothing is written to
    an undone issue again until a person comments `/tagline redo` or runs `tagline enrich --apply`.

    If it is stopped, the same command continues. TAGLINE_MODE does not hold it back. Exit code 75:
    a rate limit or the network; run it again.
    """
    from bot import wiring

    begin = _parse_since(since)
    settings = bootstrap.load_settings()
    store = wiring.redis_store(bootstrap.open_redis(settings))
    repositories = _find_repositories(settings, store, repo)
    found: list[UndoneIssue] = []
    try:
        for one in _undo_all(settings, store, repositories, begin, applies):
            found.append(one)
            if not as_json:
                click.echo(_format(one, applies))
    finally:  # also where a rate limit ends it
        _report(found, begin, applies, as_json)


def _parse_since(text: str) -> float:
    """Return seconds since the epoch. Raises `BadParameter`."""
    now = time.time()
    try:
        since = parse_since(text, now)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    if since < now - JOURNAL_DAYS * 86_400:
        why = f"the journal has the last {JOURNAL_DAYS} days"
        raise click.BadParameter(why, param_hint="--since")
    return since


def _find_repositories(
    settings: Settings, store: RedisStore, repo: str | None
) -> Sequence[IssueRef]:
    """Return the repositories to look at. One that Redis does not know is asked of its forge."""
    if repo is None:
        return list_known(store)
    known = find_known(settings, store, repo)
    return [known or bootstrap.find_repository(settings, repo, "REPO")[1]]


def _undo_all(
    settings: Settings,
    store: RedisStore,
    repositories: Sequence[IssueRef],
    since: float,
    applies: bool,
) -> Iterator[UndoneIssue]:
    from bot import wiring, wiring_jobs
    from bot.flow.undo_since import list_written_issues, undo_issue
    from bot.forges.registry import list_accessible_forges
    from bot.settings.reload import ReloadingSettings

    accessible = list_accessible_forges(settings)
    forges = wiring.forges(ReloadingSettings(settings), bootstrap.open_clients())
    retries = wiring.fallback_retries(settings, store)
    contexts = wiring_jobs.job_contexts(settings, store, forges, dict, retries)
    for repository in repositories:
        if repository.forge not in accessible:
            why = "is left out: the settings have no access to its forge."
            click.echo(f"{repository.repo_name} {why}", err=True)
            continue
        context = contexts(Job("", "manual", repository, 0.0))
        for ref in list_written_issues(repository, since, context):
            yield undo_issue(ref, since, context, applies=applies)


def _format(one: UndoneIssue, applies: bool) -> str:
    note = f"; renamed or deleted since: {', '.join(one.vanished)}" if one.vanished else ""
    return to_one_line(f"{one.ref} {WORDS[applies][one.state]}: {one.why}{note}")


def _report(found: Sequence[UndoneIssue], since: float, applies: bool, as_json: bool) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [
            {"issue": str(x.ref), "state": x.state, "why": x.why, "vanished": x.vanished}
            for x in found
        ]
        click.echo(
            msgspec.json.encode({"v": 1, "since": since, "applied": applies, "issues": rows})
        )
        return
    counts = Counter(one.state for one in found)
    words = WORDS[applies]
    begin = terminal.format_time(since)
    if not found:
        click.echo(f"Tagline has written to no issue since {begin} that is not undone.", err=True)
        return
    numbers = ", ".join(f"{words[state]} {counts[state]}" for state in words if counts[state])
    hint = "" if applies or not counts["undone"] else " Add --apply to take it back."
    click.echo(f"Since {begin}: {numbers}.{hint}", err=True)
