"""`tagline enrich REF`: one issue by hand."""

from __future__ import annotations

import sys
import time
import uuid
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.core.types import Job
    from bot.flow.plan import Outcome
    from bot.settings.load import Settings


@click.command()
@click.argument("ref")
@click.option("--apply", is_flag=True, help="Write the comment and the labels.")
@click.option("--delay", type=click.FloatRange(0, 86400), help="Queue it, to run in S seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def enrich(ref: str, apply: bool, delay: float | None, as_json: bool) -> None:
    """Enrich one issue: REF is its URL, github:owner/repository#1 or gitlab:group/project#1.

    Without --apply nothing is written, and what would be is printed; a public issue needs no token
    for that. With --apply and --delay a worker does it, and the job's id is printed.
    """
    from bot import wiring
    from bot.core import refs
    from bot.core.errors import Retry, TaglineError
    from bot.core.types import Job
    from bot.forges import registry

    settings = bootstrap.settings()
    if delay is not None and not apply:
        raise click.UsageError("--delay queues a job that writes: it needs --apply.")
    try:
        where = refs.parse(ref, wiring.url_forms(settings))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="REF") from None
    try:
        where = registry.FORGES[where.forge].client(settings, bootstrap.web()).locate(where)
        delivery = Job(f"manual-{uuid.uuid4()}", "manual", where, time.time())
        if delay is not None:
            _queue(settings, delivery, delay, as_json)
        else:
            _print(_run(settings, delivery, apply), as_json, apply)
    except TaglineError as error:
        click.echo(f"Not done: {error}", err=True)
        sys.exit(bootstrap.TRY_AGAIN if isinstance(error, Retry) else 1)


def _run(settings: Settings, delivery: Job, apply: bool) -> Outcome:
    from dataclasses import replace

    from bot import wiring
    from bot.store.memory import MemoryStore

    bootstrap.announce(settings)
    if not apply:
        settings = replace(settings, mode="dry-run")
    store = wiring.any_store(bootstrap.redis_client(settings)) if apply else wiring.no_store()
    if apply and isinstance(store, MemoryStore):
        click.echo("Redis does not answer: working without its lock and memory.", err=True)
    return wiring.runner(settings, bootstrap.web(), store)(delivery, 1)


def _queue(settings: Settings, delivery: Job, delay: float, as_json: bool) -> None:
    import json

    import redis

    from bot import wiring
    from bot.queue.actors import send

    client = bootstrap.redis_client(settings)
    try:
        job = send(wiring.broker(client), wiring.redis_store(client), delivery, delay)
    except redis.RedisError:
        click.echo(f"Redis does not answer: {bootstrap.NO_REDIS}.", err=True)
        sys.exit(bootstrap.TRY_AGAIN)
    click.echo(json.dumps({"v": 1, "job": job}) if as_json else job)


def _print(outcome: Outcome, as_json: bool, applied: bool) -> None:
    import msgspec

    record, plan, found = outcome.record, outcome.plan, outcome.enrichment
    if as_json:
        shown = {
            "v": 1,
            "issue": str(outcome.job.ref),
            "outcome": record.status,
            "why": record.why,
            "labels": plan.add_labels if plan else (),
            "suggested": found.label_decision.suggest if found else (),
            "comment": plan.comment if plan else None,
            "source": found.source if found else "",
            "usage": found.usage if found else None,
        }
        click.echo(msgspec.json.encode(shown))
        return
    if plan is None:
        click.echo(f"Nothing to do: {record.why}.", err=True)
        return
    if applied and record.status in ("skipped", "deleted", "dry-run"):
        click.echo(f"Not written: {record.why or record.status}.", err=True)
        sys.exit(1)
    wrote = "Wrote" if applied else "Would write"
    click.echo(f"{wrote} to {outcome.job.ref}:", err=True)
    click.echo(f"Labels: {', '.join(plan.add_labels) or 'none'}")
    click.echo(f"\n{plan.comment}" if plan.comment else "No comment.")
