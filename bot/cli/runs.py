"""`tagline runs`: prints the newest jobs, and what people did with their labels since."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot.cli import bootstrap, terminal
from bot.cli.known_repositories import find_known
from bot.cli.options import json_option
from bot.core.run_port import MAX_RUNS
from bot.core.text.numbers import format_usd
from bot.core.text.sources import format_source

if TYPE_CHECKING:
    from bot.core.runs import Run
    from bot.store.redis import RedisStore

FOLLOW_SECONDS = 1.0
RUNNING = ("running", "queued")
COLUMNS = ("at", "job", "issue", "kind", "outcome", "by", "model", "tokens", "cost", "s", "labels")


@click.command()
@click.option("--repo", metavar="REPO", help="Only this repository's: github:OWNER/NAME or a URL.")
@click.option("--failed", is_flag=True, help="Only jobs that failed, or wait for another try.")
@click.option("--follow", is_flag=True, help="Print further jobs as they end, until Ctrl-C.")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_RUNS),
    default=20,
    show_default=True,
    help="Jobs to print.",
)
@json_option
def runs(repo: str | None, failed: bool, follow: bool, limit: int, as_json: bool) -> None:
    """List the newest jobs: issue, outcome, what chose the labels, model, tokens, cost, seconds,
    and how many of the labels people kept or changed since.

    Redis has the last 2,000 jobs, 1,000 of a repository, for a week. With --follow --json each job
    is a line of its own.
    """
    store, key = _open(repo)
    found = _read(store, key, failed=failed, limit=limit)
    shown = {(run.job.id, run.job.at) for run in found}
    if as_json and not follow:
        _print_json(found)
        return
    write = _print_lines if as_json else _print_rows
    write(found)
    if not found and not follow:
        click.echo("No such jobs in the last week.", err=True)
    since = max((run.job.at for run in found), default=time.time())
    while follow:
        time.sleep(FOLLOW_SECONDS)
        later = _read(store, key, failed=failed, since=since, limit=MAX_RUNS)
        ended = [run for run in later if run.job.state not in RUNNING]
        fresh = [run for run in ended if (run.job.id, run.job.at) not in shown]
        write(fresh)
        since = max((run.job.at for run in fresh), default=since)
        shown |= {(run.job.id, run.job.at) for run in fresh}


def _open(repo: str | None) -> tuple[RedisStore, str]:
    """Return the store, and the key of the repository, "" for all."""
    from bot import wiring

    settings = bootstrap.load_settings()
    store = wiring.redis_store(bootstrap.open_redis(settings))
    if repo is None:
        return store, ""
    ref = find_known(settings, store, repo)
    if ref is None:
        bootstrap.fail(f"No job of {repo} in Redis: check its spelling.")
    return store, ref.repo_key


def _read(
    store: RedisStore, key: str, *, failed: bool, limit: int, since: float = 0.0
) -> list[Run]:
    """Return the jobs, the oldest first, as a log has them."""
    from bot.flow.list_runs import list_runs

    found = list_runs(store, store.corrections, key, failed=failed, since=since, limit=limit)
    return [*reversed(found)]


def _describe(run: Run) -> dict[str, Any]:
    job = run.job
    return {
        "at": job.at,
        "job": job.id,
        "issue": job.issue,
        "kind": job.kind,
        "state": job.state,
        "outcome": job.outcome,
        "why": job.why,
        "labeller": job.labeller,
        "model": job.model,
        "tokens_in": job.tokens_in,
        "tokens_out": job.tokens_out,
        "cost_usd": job.cost_usd,
        "seconds": job.seconds,
        "labels": run.applied,
        "kept": run.kept,
        "removed": run.removed,
        "added": run.added,
    }


def _print_json(found: list[Run]) -> None:
    click.echo(msgspec.json.encode({"v": 1, "runs": [_describe(run) for run in found]}))


def _print_lines(found: list[Run]) -> None:
    for run in found:
        click.echo(msgspec.json.encode({"v": 1, **_describe(run)}))


def _print_rows(found: list[Run]) -> None:
    if not found:
        return
    table = [COLUMNS, *map(_format, found)]
    for line in terminal.format_table(table):
        click.echo(line)
    for reason in _list_reasons(found):
        click.echo(reason)


def _list_reasons(found: Iterable[Run]) -> Iterator[str]:
    for run in found:
        if run.job.has_failed:
            yield from terminal.wrap(f"{run.job.id}: {run.job.why}", "  ")


def _format(run: Run) -> tuple[str, ...]:
    job = run.job
    outcome = job.outcome if job.state == "done" else job.state
    tokens = f"{job.tokens_in:,} + {job.tokens_out:,}" if job.model else "-"
    return (
        terminal.format_time(job.at),
        job.id,
        job.issue or "unreadable",
        job.kind,
        outcome,
        format_source(job.labeller) if job.labeller else "-",
        job.model or "-",
        tokens,
        format_usd(job.cost_usd) if job.model else "-",
        f"{job.seconds:.1f}" if job.seconds else "-",
        _count_labels(run),
    )


def _count_labels(run: Run) -> str:
    """Return how many labels were set, and what people did since."""
    counts = {"set": run.applied, "kept": run.kept, "removed": run.removed, "added": run.added}
    return ", ".join(f"{len(names)} {verb}" for verb, names in counts.items() if names) or "-"
