"""`tagline export`: labelled issues of a repository, to fine-tune a language model."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.core.types import Issue, IssueRef
    from bot.flow.export import Exporter
    from bot.forges.registry import ForgeClient
    from bot.settings.load import Settings

FORMATS = ("openai-jsonl", "csv")
NO_REDIS = (
    "Note: Redis does not answer, so labels that Tagline set cannot be told from those of people:"
    " all labels count."
)
ECHO = "with labels that may be Tagline's, which nobody has confirmed"
NO_LABEL = "without a label that Tagline may set and learn"
NO_ANSWER = "without a sentence for the summary, or a label that the prompt offers"
BY_BOT = "opened by programs"


@click.command()
@click.argument("repo")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), required=True, help="JSON lines or a table."
)
def export(repo: str, form: str) -> None:
    """Print the newest 2,000 labelled issues with the labels that people chose.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL. openai-jsonl has the
    messages that Tagline sends for an issue and the answer that it expects; csv has number, title,
    body and labels, separated by semicolons.

    A label that Tagline set counts once it was kept for a week on an issue that a person handled;
    that is looked up in Redis. Secrets are replaced. Confidential issues, pull requests, and labels
    that only people set or that tell about the work on an issue are left out.
    """
    from bot.core import refs
    from bot.core.config import parser
    from bot.flow.export import Exporter

    settings = bootstrap.load_settings()
    given = bootstrap.parse_ref(settings, refs.repository, repo, "REPO")
    forge, ref = bootstrap.open_forge(settings, bootstrap.open_clients(), given)
    config = parser.read(forge.get_config_text(ref)).config
    exporter = Exporter(forge.list_labels(ref), config)
    left_out: Counter[str] = Counter()
    issues = list(_select(_read_true(settings, forge, ref, left_out), exporter, left_out))
    has_bar = sys.stderr.isatty()
    with click.progressbar(issues, label="Export", file=sys.stderr, hidden=not has_bar) as bar:
        lines = list(_list_lines(form, bar, exporter, left_out))
    # At the end: a part of the examples, after a rate limit, would look like all of them.
    click.echo("".join(lines), nl=False)
    count = len(lines) - (form == "csv")
    rest = "; ".join(f"{number:,} {why}" for why, number in left_out.items())
    click.echo(f"Exported: {count:,}. Left out: {rest or 'none'}.", err=True)


def _read_true(
    settings: Settings, forge: ForgeClient, ref: IssueRef, left_out: Counter[str]
) -> Iterator[Issue]:
    """Yield past issues of people whose labels are people's judgement."""
    import redis

    from bot import wiring
    from bot.cli.history import read_history
    from bot.core.labels.truth import is_truth
    from bot.flow.train import look_up

    client, now = bootstrap.open_redis(settings), time.time()
    store = wiring.redis_store(client)
    try:
        state = store.training.training_state(ref.repo_key)
        since = state.since if state else now
    except redis.RedisError:
        click.echo(NO_REDIS, err=True)
        yield from read_history(forge, ref)
        return
    for issue in read_history(forge, ref):
        if is_truth(look_up(issue, store, store.journal), since, now):
            yield issue
        else:
            left_out[ECHO] += 1


def _select(issues: Iterator[Issue], exporter: Exporter, left_out: Counter[str]) -> Iterator[Issue]:
    """Yield issues of people that have a label to learn."""
    for issue in issues:
        if issue.is_bot:
            left_out[BY_BOT] += 1
        elif not exporter.list_labels(issue):
            left_out[NO_LABEL] += 1
        else:
            yield issue


def _list_lines(
    form: str, issues: Iterable[Issue], exporter: Exporter, left_out: Counter[str]
) -> Iterator[str]:
    """Yield the lines of the file; a row of a table may have several."""
    import msgspec

    from bot.flow.export import COLUMNS

    if form == "csv":
        yield _format_row(COLUMNS)
    for issue in issues:
        if form == "csv":
            yield _format_row(exporter.make_row(issue))
        elif example := exporter.make_example(issue):
            yield f"{msgspec.json.encode(example).decode()}\n"
        else:
            left_out[NO_ANSWER] += 1


def _format_row(cells: Sequence[str]) -> str:
    import csv
    import io

    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
