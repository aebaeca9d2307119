"""`tagline enrich REF`: processes one issue by hand."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import msgspec

from bot.cli import bootstrap
from bot.cli.options import json_option
from bot.core import refs
from bot.core.text.numbers import format_usd
from bot.core.types import Job
from bot.settings.load import Settings

if TYPE_CHECKING:
    from bot.flow.plan import Outcome, Plan
    from bot.http import ClientPool


@click.command()
@click.argument("ref")
@click.option("--apply", is_flag=True, help="Write the comment, the labels and the type.")
@click.option(
    "--delay", type=click.FloatRange(0, 86400), metavar="SECONDS", help="Queue a job to run later."
)
@json_option
def enrich(ref: str, apply: bool, delay: float | None, as_json: bool) -> None:
    """Process one issue. REF is its URL, github:owner/repository#1 or gitlab:group/project#1.

    Without --apply the command prints the result and writes nothing; a public issue needs no token
    then. With --apply and --delay a worker processes the issue, and the job's id is printed.
    """
    settings = bootstrap.load_settings()
    if delay is not None and not apply:
        raise click.UsageError("--delay queues a job that writes: add --apply.")
    given = bootstrap.parse_ref(settings, refs.parse, ref, "REF")
    clients = bootstrap.open_clients()
    _, issue = bootstrap.open_forge(settings, clients, given)
    job = Job(f"manual-{uuid.uuid4()}", "manual", issue, time.time())
    if delay is None:
        outcome = _run(settings, clients, job, apply)
        _print(outcome, as_json, apply)
        if outcome.failure:
            sys.exit(1)
    else:
        job_id = _queue(settings, job, delay)
        click.echo(json.dumps({"v": 1, "job": job_id}) if as_json else job_id)


def _run(settings: Settings, clients: ClientPool, job: Job, apply: bool) -> Outcome:
    from bot import wiring
    from bot.flow.context import LAG_TRIES

    bootstrap.show_notices(settings)
    if not apply:
        settings = replace(settings, mode="dry-run")
    store = bootstrap.open_store(settings) if apply else wiring.no_store()
    # An issue that a person names is no new one that a replica of the forge may lack.
    return wiring.runner(settings, clients, store)(job, LAG_TRIES + 1)


def _queue(settings: Settings, job: Job, delay: float) -> str:
    from bot import wiring
    from bot.queue.actors import send

    client = bootstrap.open_redis(settings)
    return send(wiring.broker(client), wiring.redis_store(client), job, delay)


def _print(outcome: Outcome, as_json: bool, applied: bool) -> None:
    record, plan, enrichment = outcome.record, outcome.plan, outcome.enrichment
    if as_json:
        report = {
            "v": 1,
            "issue": str(outcome.job.ref),
            "outcome": record.status,
            "why": record.why,
            "type": plan.type_change.name if plan and plan.type_change else "",
            "labels": plan.add_labels if plan else (),
            "held": _list_held(plan),
            "suggested": enrichment.label_decision.suggest if enrichment else (),
            "comment": plan.comment if plan else None,
            "source": enrichment.source if enrichment else "",
            "usage": enrichment.usage if enrichment else None,
        }
        click.echo(msgspec.json.encode(report))
        return
    if plan is None:
        failure = outcome.failure
        why = bootstrap.explain_failure(failure) if failure else record.why
        click.echo(f"Nothing to do for {outcome.job.ref}: {why}.", err=True)
        return
    if applied and record.status in ("skipped", "deleted", "dry-run"):
        bootstrap.fail(f"Not written: {record.why or record.status}.")
    verb = "Wrote" if applied else "Would write"
    click.echo(f"{verb} to {outcome.job.ref}:", err=True)
    if plan.type_change:
        click.echo(f"Type: {plan.type_change.name or 'none'}")
    already = " to add (already set)" if plan.marker.labels else ""
    click.echo(f"Labels: {', '.join(plan.add_labels) or f'none{already}'}")
    if held := _list_held(plan):
        click.echo(f"Suggested on the forge: {', '.join(held)}")
    click.echo(f"\n{plan.comment}" if plan.comment else "No comment.")
    if enrichment and enrichment.source == "model":
        usage = enrichment.usage
        tokens = f"{usage.tokens_in:,} + {usage.tokens_out:,} tokens"
        cost = format_usd(usage.cost_usd)
        click.echo(f"Model: {usage.model}, {tokens}, cost {cost}", err=True)


def _list_held(plan: Plan | None) -> list[str]:
    return [one.name for one in plan.held if one.state == "pending"] if plan else []
