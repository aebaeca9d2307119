"""`tagline export`: labelled issues of a repository, to fine-tune a language model."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from bot.cli import bootstrap
from bot.core.types import Issue

if TYPE_CHECKING:
    from bot.flow.export import Exporter

FORMATS = ("openai-jsonl", "csv")
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
    that only people set or that tell about the work on an issue are left out. Exits with 1 if
    nothing is left.
    """
    from bot.cli.history import read_true
    from bot.cli.repository_config import read_config
    from bot.flow.export import Exporter

    settings = bootstrap.load_settings()
    forge, ref = bootstrap.find_repository(settings, repo, "REPO")
    config = read_config(settings, forge, ref).config
    types = forge.list_types(ref) if config.types.set else ()
    exporter = Exporter(forge.list_labels(ref), config, types)
    left_out: Counter[str] = Counter()
    issues = list(_select(read_true(settings, forge, ref, left_out), exporter, left_out))
    has_bar = sys.stderr.isatty()
    with click.progressbar(issues, label="Export", file=sys.stderr, hidden=not has_bar) as bar:
        lines = list(_list_lines(form, bar, exporter, left_out))
    # At the end: a part of the examples, after a rate limit, would look like all of them.
    click.echo("".join(lines), nl=False)
    count = len(lines) - (form == "csv")
    rest = "; ".join(f"{number:,} {why}" for why, number in left_out.items())
    click.echo(f"Exported: {count:,}. Left out: {rest or 'none'}.", err=True)
    if not count:
        bootstrap.fail(f"Nothing to export from {ref.repo_name}: {_name_missing(left_out)}")


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


def _name_missing(left_out: Counter[str]) -> str:
    """Return what would be needed, by the reason for which most issues are left out."""
    from bot.cli.history import ECHO

    missing = {
        "": "it has no issues with labels. Set labels on some of them first.",
        NO_LABEL: "it has no issues with a label that Tagline may set and learn. `tagline check"
        " --repo` shows which these are; labels.allow in tagline.yml adds some.",
        NO_ANSWER: "it has no issues with a sentence for the summary and a label that the prompt"
        " offers. --format csv needs neither.",
        BY_BOT: "it has no issues with labels that people have opened.",
        ECHO: "it has no issues with labels that people have confirmed. A label of Tagline counts"
        " once it was kept for a week on an issue that a person closed, assigned or planned.",
    }
    return missing[max(left_out, key=left_out.__getitem__, default="")]


def _format_row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
