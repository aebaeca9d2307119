"""`tagline triage`: summaries and labels for a file of issues."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot import log
from bot.cli import bootstrap, progress, terminal
from bot.core.text.numbers import format_count, format_usd
from bot.core.text.sanitize import ELLIPSIS, to_one_line
from bot.core.types import Issue, Label
from bot.settings.load import Settings, SettingsError
from bot.settings.models import ModelSettings

if TYPE_CHECKING:
    from bot.cli.batch import Enricher, Totals
    from bot.cli.issue_file import Row
    from bot.core.enrichment import Enrichment

MAX_CONCURRENT = 16
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXAMPLE = "gh issue list --json number,title,body,url"


@click.command()
@click.option(
    "--file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Issues as JSON lines or a JSON array, also .gz; - for standard input.",
)
@click.option("--labels", type=FILE, help="Labels as JSON.")
@click.option("--config", type=FILE, help="A tagline.yml.")
@click.option(
    "--history",
    type=click.Path(exists=True, dir_okay=False),
    help="Labelled issues to learn from, in the forms of --file.",
)
@click.option("--no-llm", is_flag=True, help="Use rules only, even if a model is configured.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    metavar="N",
    help=f"Concurrent model calls; {MAX_CONCURRENT} without it, 8 for a compatible server.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per issue.")
def triage(  # noqa: PLR0913, PLR0917  # click passes each option as an argument
    file: str,
    labels: Path | None,
    config: Path | None,
    history: str | None,
    no_llm: bool,
    concurrency: int | None,
    as_json: bool,
) -> None:
    """Print summary and labels for each issue in a file; write nothing.

    Takes what `gh issue list --json number,title,body,labels,url` and `glab issue list --output
    json` print. LABELS is a JSON list (or JSON lines) of names, or of objects with name and
    description; it defaults to the labels in HISTORY, else to common tags. Tagline learns from the
    issues in HISTORY, which have `label` or `labels`, as from the past issues of a repository. The
    budgets of tagline.yml and of TAGLINE_BUDGET_USD_PER_DAY hold for each run.

    Exits with 3 if some issues cannot be read or the model does not answer for them, with 4 if a
    budget is reached; their labels are those of rules then.
    """
    from bot.cli.issue_file import read_labels, read_rows
    from bot.core.labels.keywords import COMMON_TAGS

    past = _read_history(history) if history else []
    names = dict.fromkeys(name for issue in past for name in issue.labels) or COMMON_TAGS
    known = read_labels(labels) if labels else [Label(name) for name in names]
    rows = read_rows(file)
    settings = None if no_llm else bootstrap.load_settings()
    if settings and settings.lacks_model:
        raise SettingsError([*settings.model_notices, "Or add --no-llm for rules alone."])
    enricher, model = _create_enricher(settings, known, config, concurrency or 0)
    if past:
        from bot.cli.replay import learn_from

        enricher = replace(enricher, classifier=learn_from(past, known, enricher.config))
    threads = _count_threads(model, concurrency)
    started = time.monotonic()
    try:
        totals = _process(rows, enricher, threads, as_json)
    except (KeyboardInterrupt, BrokenPipeError):
        bootstrap.exit_at_once()
    _print_totals(rows, totals, time.monotonic() - started)
    sys.exit(_explain_gaps(rows, totals, model, enricher, file))


def _read_history(file: str) -> list[Issue]:
    """Return the labelled issues of a file. Raises `ClickException`."""
    from bot.cli.labelled_file import read_labelled

    issues = [row.issue for row in read_labelled(file) if row.issue.labels]
    if not issues:
        raise click.ClickException(f"{file} has no issues with labels to learn from.")
    return issues


def _create_enricher(
    settings: Settings | None, labels: Sequence[Label], path: Path | None, concurrency: int
) -> tuple[Enricher, ModelSettings | None]:
    """Return what enriches an issue, and the settings of its model, None with rules only."""
    from bot.cli.batch import Enricher, open_models
    from bot.core.config import parser
    from bot.core.ports import ModelService
    from bot.flow.load_config import choose_model

    first = settings.model if settings else None
    models: dict[str, ModelService] = {}
    if settings:
        bootstrap.show_notices(settings)
        log.configure("critical", "plain", settings.secrets)  # the totals name failures
        models = open_models(settings, bootstrap.open_clients(), concurrency=concurrency)
    text = path.read_text(errors="replace") if path else None
    parsed = parser.restrict_models(parser.read(text), models)
    for problem in parsed.problems:
        click.echo(f"{path}: {problem}", err=True)
    name = choose_model(parsed.config, models)
    day_usd = settings.budget_usd_per_day if settings else None
    enricher = Enricher(labels, parsed.config, models.get(name), day_usd)
    return enricher, first.find(name) if first else None


def _count_threads(model: ModelSettings | None, concurrency: int | None) -> int:
    """Return the number of concurrent calls; more than one helps only while calls wait."""
    from bot.llm.service import MAX_CONCURRENT_CALLS

    if model is None:
        return 1
    return concurrency or min(MAX_CONCURRENT, MAX_CONCURRENT_CALLS[model.provider])


def _process(rows: Sequence[Row], enricher: Enricher, threads: int, as_json: bool) -> Totals:
    """Print a result for each row, and a progress bar if standard error is a terminal."""
    from bot.cli.batch import Totals, enrich_all

    totals, started = Totals(), time.monotonic()

    def describe(_item: object) -> str:
        rate = totals.done / max(time.monotonic() - started, 0.001)
        return f"{rate:.1f}/s, {format_usd(totals.cost_usd)}"

    def show() -> None:
        bar.update(totals.done - bar.pos, "")

    with click.progressbar(
        length=len(rows),
        label="Issues",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        show_pos=True,
        item_show_func=describe,
        width=20,
    ) as bar:
        issues = [row.issue for row in rows]
        with closing(enrich_all(issues, enricher.enrich, threads, totals, show)) as results:
            for row, result in zip(rows, results, strict=True):
                report = _build_report(row, result, enricher.config.comment.max_words)
                line = msgspec.json.encode(report).decode() if as_json else _format(row, report)
                if sys.stdout.isatty():
                    progress.clear()
                click.echo(line)
    return totals


def _build_report(row: Row, enrichment: Enrichment | None, max_words: int) -> dict[str, Any]:
    if enrichment is None:
        return {"v": 1, "error": f"{row.place}: {row.error}"}
    usage, words = enrichment.usage, to_one_line(enrichment.summary).split()
    return {
        "v": 1,
        **row.given,
        "summary": " ".join(words[:max_words]) + ELLIPSIS * (len(words) > max_words),
        "labels": [
            {"name": choice.label, "certainty": choice.certainty, "source": choice.source}
            for choice in enrichment.label_decision.apply
        ],
        "suggested": enrichment.label_decision.suggest,
        "source": enrichment.source,
        "tokens": {"in": usage.tokens_in, "out": usage.tokens_out},
        "cost_usd": usage.cost_usd,
    }


def _format(row: Row, report: Mapping[str, Any]) -> str:
    """Return a result as a few lines that fit the terminal."""
    if "error" in report:
        return f"{report['error']}\n"
    number = f"#{report['number']} " if "number" in report else ""
    names = ", ".join(f"{x['name']} ({x['certainty']})" for x in report["labels"]) or "no labels"
    lines = [f"{number}{to_one_line(report['title'])}" or row.place]
    for text in (to_one_line(report.get("url", "")), f"Labels: {names}", report["summary"]):
        lines += terminal.wrap(text, "  ")
    return "\n".join(lines) + "\n"


def _print_totals(rows: Sequence[Row], totals: Totals, seconds: float) -> None:
    sources = ", ".join(f"{count:,} by {name}" for name, count in sorted(totals.sources.items()))
    cost = format_usd(totals.cost_usd)
    if totals.unpriced:
        unpriced = format_count(totals.unpriced, "answer")
        cost = f"at least {cost}, {unpriced} without a known price"
    tokens = f"{totals.tokens_in:,} + {totals.tokens_out:,} tokens, {cost}; "
    click.echo(
        f"{format_count(len(rows), 'issue')}: {sources or 'none read'}"
        + (f", {totals.unreadable:,} unreadable" if totals.unreadable else "")
        + f"; {tokens if totals.tokens_in or totals.unpriced else ''}{seconds:.1f} s",
        err=True,
    )


def _explain_gaps(
    rows: Sequence[Row],
    totals: Totals,
    model: ModelSettings | None,
    enricher: Enricher,
    file: str,
) -> int:
    """Print a sentence for each kind of issue without its answer, and return the exit code."""
    from bot.cli.batch import explain_failure

    code = 0
    if totals.unreadable:
        count = f"{totals.unreadable:,} of {format_count(len(rows), 'issue')}"
        where = "standard input" if file == "-" else file
        click.echo(f"{count} in {where} could not be read.", err=True)
        code = bootstrap.PARTIAL
        if totals.unreadable == len(rows):
            click.echo(f"Expected JSON lines or a JSON array, as of `{EXAMPLE}`.", err=True)
            code = 1
    if totals.failed and model:
        is_limited = totals.main_failure == "status-429"
        more = ", or use a smaller --concurrency" if is_limited else ""
        click.echo(f"{explain_failure(totals, model)}{more}.", err=True)
        code = bootstrap.PARTIAL
    if totals.over_budget:
        budget = enricher.config.budget.per_day_usd
        limits = [f"budget.per_day_usd of {format_usd(budget)}"]
        if enricher.day_usd is not None:
            day = format_usd(enricher.day_usd)
            limits.append(f"TAGLINE_BUDGET_USD_PER_DAY of {day}")
        issues = format_count(totals.over_budget, "issue")
        click.echo(
            f"The budget is reached ({', '.join(limits)}): labels of {issues} come from rules."
            " Raise it, with --config for the first.",
            err=True,
        )
        code = bootstrap.OVER_BUDGET
    return code
