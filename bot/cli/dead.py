"""`tagline dead`: jobs that were given up, and why; send them again once the reason is gone."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from bot.queue.dead_letters import DeadLetters
    from bot.store.redis import RedisStore

    T = TypeVar("T")


@click.group()
def dead() -> None:
    """Look at jobs that were given up, and send them again."""


@dead.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    """Tell of each dead letter: when, which issue, and why. Redis keeps them for a week."""
    import msgspec

    letters, store = _letters()
    rows: list[dict[str, Any]] = _asked(
        lambda: [
            {
                "job": letter.job,
                "issue": letter.issue,
                "at": letter.at,
                "why": job.why if (job := store.job(letter.job)) else "",
            }
            for letter in letters.all()
        ]
    )
    if as_json:
        click.echo(msgspec.json.encode({"v": 1, "dead": rows}).decode())
        return
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(row["at"]))
        click.echo(f"{row['job']}  {when}  {row['issue'] or 'unreadable'}  {row['why']}")
    if not rows:
        click.echo("No dead letters.", err=True)


@dead.command()
@click.argument("jobs", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them.")
def retry(jobs: tuple[str, ...], everything: bool) -> None:
    """Send dead letters again: JOBS are the ids that `dead list` prints."""
    if bool(jobs) == everything:
        raise click.UsageError("name the jobs that `tagline dead list` prints, or give --all")
    letters, _ = _letters()
    asked = [letter.job for letter in _asked(letters.all)] if everything else list(jobs)
    sent = _asked(lambda: letters.send_again({*asked}))
    unknown = [job for job in asked if job not in sent]
    click.echo(f"{len(asked) - len(unknown)} sent again.", err=True)
    if unknown:
        click.echo(f"No dead letters: {', '.join(unknown)}", err=True)
        sys.exit(1)


def _letters() -> tuple[DeadLetters, RedisStore]:
    from bot import wiring
    from bot.queue.dead_letters import DeadLetters

    client = bootstrap.redis_client(bootstrap.settings())
    return DeadLetters(client), wiring.redis_store(client)


def _asked(ask: Callable[[], T]) -> T:
    import redis

    try:
        return ask()
    except redis.RedisError:
        click.echo(f"Redis does not answer: {bootstrap.NO_REDIS}.", err=True)
        sys.exit(bootstrap.TRY_AGAIN)
