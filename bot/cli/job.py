"""`tagline job ID`: prints a job's state, tries, outcome and the frames of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import msgspec

from bot.cli import bootstrap, terminal
from bot.cli.options import json_option
from bot.core.jobs import JobRecord
from bot.core.text.numbers import format_usd
from bot.core.text.sanitize import to_one_line
from bot.core.text.sources import format_source


@click.command()
@click.argument("job_id")
@json_option
def job(job_id: str, as_json: bool) -> None:
    """Show the state and outcome of a job, and what chose each label, with its certainty.

    The id is in the response's header X-Tagline-Job; `enrich --delay` prints it.
    """
    from bot import wiring
    from bot.queue.broker import is_queued

    client = bootstrap.open_redis(bootstrap.load_settings())
    record = wiring.redis_store(client).job(job_id)
    if record is None and is_queued(client, job_id):
        record = JobRecord(job_id, "queued", "")
    if record is None:
        bootstrap.fail("No such job. Tagline keeps jobs for a week.")
    fields = msgspec.to_builtins(record)
    if as_json:
        click.echo(msgspec.json.encode({"v": 1, **fields}))
        return
    del fields["repository"]  # its key; the issue has the name
    fields["started"] = terminal.format_time(record.started) if record.started else ""
    fields["at"] = terminal.format_time(record.at) if record.at else ""
    cost = fields.pop("cost_usd")
    fields["cost"] = format_usd(cost) if record.model else ""
    fields["labels"] = [_describe_choice(choice) for choice in fields.pop("choices")]
    for name, value in fields.items():
        if value:
            lines = value if isinstance(value, list) else [value]
            click.echo(f"{name}: " + "\n  ".join(map(str, lines)))


def _describe_choice(choice: Mapping[str, Any]) -> str:
    note = "" if choice["applied"] else ", only suggested"
    source = format_source(choice["source"])
    return f"{to_one_line(choice['label'])} ({source}, {choice['certainty']}{note})"
