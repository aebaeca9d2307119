"""`tagline job ID`: state, tries, outcome and where an error came from."""

from __future__ import annotations

import sys

import click

from bot.cli import bootstrap


@click.command()
@click.argument("job_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def job(job_id: str, as_json: bool) -> None:
    """Tell what became of a job. Its ID came as X-Tagline-Job, or from `enrich --delay`."""
    import msgspec
    import redis

    from bot import wiring
    from bot.core.jobs import JobRecord
    from bot.queue.broker import is_queued

    client = bootstrap.redis_client(bootstrap.settings())
    try:
        found = wiring.redis_store(client).job(job_id)
        if found is None and is_queued(client, job_id):
            found = JobRecord(job_id, "queued", "")
    except redis.RedisError:
        click.echo(f"Redis does not answer: {bootstrap.NO_REDIS}.", err=True)
        sys.exit(bootstrap.TRY_AGAIN)
    if found is None:
        click.echo("No such job; jobs are remembered for a week.", err=True)
        sys.exit(1)
    if as_json:
        click.echo(msgspec.json.encode({"v": 1, **msgspec.to_builtins(found)}))
        return
    for name, value in msgspec.to_builtins(found).items():
        if value:
            lines = value if isinstance(value, list) else [value]
            click.echo(f"{name}: " + "\n  ".join(map(str, lines)))
