"""`tagline triage`: summaries and labels for a file of issues."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.core.types import Enrichment, Issue, Label

PARTIAL = bootstrap.PARTIAL
GZIP = b"\x1f\x8b"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="Issues as JSON lines with title and body, also .gz; - for standard input.",
)
@click.option("--labels", type=FILE, help="Labels as JSON.")
@click.option("--config", type=FILE, help="A tagline.yml.")
@click.option("--no-llm", is_flag=True, help="Use rules only, even if a model is configured.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per issue.")
def triage(
    file: str, labels: Path | None, config: Path | None, no_llm: bool, as_json: bool
) -> None:
    """Print summary and labels for each issue in a file; write nothing.

    LABELS is a JSON list (or JSON lines) of names, or of objects with name and description. It
    defaults to common tags. The exit code is 3 if some issues cannot be read.
    """
    import msgspec

    enrich = _create_enricher(_read_labels(labels), config, no_llm)
    failed = 0
    for number, line in enumerate(_read_lines(file), 1):
        try:
            report = _build_report(enrich(_parse_issue(json.loads(line))))
        except (ValueError, RecursionError) as error:
            failed += 1
            report = {"v": 1, "error": f"line {number}: {error}"}
        click.echo(msgspec.json.encode(report).decode() if as_json else _format(number, report))
    if failed:
        click.echo(f"{failed} lines could not be read.", err=True)
        sys.exit(PARTIAL)


def _create_enricher(
    labels: Sequence[Label], path: Path | None, no_llm: bool
) -> Callable[[Issue], Enrichment]:
    """Return a function that enriches an issue by the model, if one is configured, or by rules."""
    from bot import wiring
    from bot.core.config import parser
    from bot.core.labels.policy import CurrentLabels
    from bot.core.ports import ModelService
    from bot.flow.enrich import Labeller, ModelLabeller, RulesLabeller, enrich, prepare
    from bot.flow.load_config import choose_model

    models: dict[str, ModelService] = {}
    if not no_llm:
        settings = bootstrap.load_settings()
        bootstrap.show_notices(settings)
        models = wiring.models(settings.model, bootstrap.open_clients(), wiring.no_store())
    text = path.read_text(errors="replace") if path else None
    parsed = parser.restrict_models(parser.read(text), models)
    for problem in parsed.problems:
        click.echo(f"{path}: {problem}", err=True)
    model = choose_model(parsed.config, models)
    labellers: list[Labeller] = [ModelLabeller(model), RulesLabeller()]

    def enrich_one(issue: Issue) -> Enrichment:
        material = prepare(issue, labels, parsed.config)
        return enrich(material, CurrentLabels(labels=issue.labels), labellers)

    return enrich_one


def _read_lines(file: str) -> Iterator[bytes]:
    with _explain_unreadable(file), click.open_file(file, "rb") as source:
        stream: Any = source
        if file != "-" and stream.peek(2)[:2] == GZIP:
            stream = gzip.GzipFile(fileobj=stream)
        yield from (line for line in stream if line.strip())


@contextmanager
def _explain_unreadable(file: str | Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(f"{file} cannot be read: {reason}.") from None


def _parse_issue(row: object) -> Issue:
    """Return an issue. Raises ValueError for a row without a title."""
    from bot.core.types import Issue, IssueRef
    from bot.forges.values import text

    if not isinstance(row, Mapping) or not isinstance(row.get("title"), str):
        raise ValueError("not an object with a title")
    return Issue(
        ref=IssueRef("file", "", "", 0),
        title=text(row["title"]),
        body=text(row.get("body")),
        author="",
        is_bot=False,
        labels=(),
        is_open=True,
        locked=False,
        confidential=False,
        is_pull_request=False,
        created_at=0.0,
    )


def _read_labels(path: Path | None) -> list[Label]:
    import msgspec

    from bot.core.labels.keywords import COMMON_TAGS
    from bot.core.types import Label

    if path is None:
        return [Label(name) for name in COMMON_TAGS]
    with _explain_unreadable(path):
        data = path.read_bytes()
        data = gzip.decompress(data) if data.startswith(GZIP) else data
    try:
        rows = msgspec.json.decode(data)
    except msgspec.DecodeError:
        try:
            rows = [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
        except msgspec.DecodeError:
            raise click.UsageError("--labels is neither JSON nor JSON lines.") from None
    return [_parse_label(row) for row in (rows if isinstance(rows, list) else [rows])]


def _parse_label(row: object) -> Label:
    from bot.core.types import Label

    fields = row if isinstance(row, Mapping) else {"name": row}
    name, description = fields.get("name"), fields.get("description")
    if not isinstance(name, str) or not name:
        raise click.UsageError("--labels: each entry must be a name, or an object with a name.")
    return Label(name, description if isinstance(description, str) else "")


def _build_report(enrichment: Enrichment) -> dict[str, Any]:
    from bot.core.text.sanitize import to_one_line

    usage = enrichment.usage
    return {
        "v": 1,
        "summary": to_one_line(enrichment.summary),
        "labels": [
            {"name": choice.label, "certainty": choice.certainty, "source": enrichment.source}
            for choice in enrichment.label_decision.apply
        ],
        "suggested": enrichment.label_decision.suggest,
        "source": enrichment.source,
        "tokens": {"in": usage.tokens_in, "out": usage.tokens_out},
        "cost_usd": usage.cost_usd,
    }


def _format(number: int, report: Mapping[str, Any]) -> str:
    if "error" in report:
        return f"{number}: {report['error']}"
    names = ", ".join(f"{x['name']} ({x['certainty']})" for x in report["labels"]) or "no labels"
    return f"{number}: {names}\n   {report['summary']}"
