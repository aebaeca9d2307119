"""`tagline dead`: lists failed jobs with their reasons, and retries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot.cli import bootstrap, terminal
from bot.cli.options import json_option

if TYPE_CHECKING:
    from bot.queue.dead_letters import DeadLetters
    from bot.store.redis import RedisStore


@click.group()
def dead() -> None:
    """List failed jobs (dead letters) and retry them."""


@dead.command("list")
@json_option
def show(as_json: bool) -> None:
    """List time, issue and reason of each failed job. Redis keeps them for a week."""
    letters, store = _open_letters()
    rows: list[dict[str, Any]] = [
        {
            "job": letter.job,
            "issue": letter.issue,
            "at": letter.at,
            "why": record.why if (record := store.job(letter.job)) else "",
        }
        for letter in letters.all()
    ]
    if as_json:
        click.echo(msgspec.json.encode({"v": 1, "dead": rows}).decode())
        return
    for row in rows:
        when, issue = terminal.format_time(row["at"]), row["issue"] or "unreadable"
        click.echo("\n".join(terminal.wrap(f"{row['job']}  {when}  {issue}  {row['why']}", "")))
    if not rows:
        click.echo("No dead letters.", err=True)


@dead.command()
@click.argument("jobs", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Retry all of them.")
def retry(jobs: tuple[str, ...], everything: bool) -> None:
    """Queue failed jobs again. JOBS are ids that `tagline dead list` prints."""
    if bool(jobs) == everything:
        raise click.UsageError("Name jobs that `tagline dead list` prints, or use --all.")
    letters, _ = _open_letters()
    requested = [letter.job for letter in letters.all()] if everything else list(jobs)
    sent = letters.send_again({*requested})
    unknown = [job for job in requested if job not in sent]
    click.echo(f"{len(requested) - len(unknown)} sent again.", err=True)
    if unknown:
        bootstrap.fail(f"No dead letters: {', '.join(unknown)}")


def _open_letters() -> tuple[DeadLetters, RedisStore]:
    from bot import wiring
    from bot.queue.dead_letters import DeadLetters

    client = bootstrap.open_redis(bootstrap.load_settings())
    return DeadLetters(client), wiring.redis_store(client)
