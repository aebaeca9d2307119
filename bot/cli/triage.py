"""`tagline triage`: summaries and labels for a file of issues; no forge, no Redis."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import bootstrap

if TYPE_CHECKING:
    from bot.core.config.schema import RepoConfig
    from bot.core.types import Enrichment, Issue, Label

PARTIAL = 3
GZIP = b"\x1f\x8b"


@click.command()
@click.option(
    "--file",
    required=True,
    help="Issues as JSON lines with title and body; .gz too, - for standard input.",
)
@click.option("--labels", type=click.Path(exists=True, path_type=Path), help="The labels, as JSON.")
@click.option("--config", type=click.Path(exists=True, path_type=Path), help="A tagline.yml.")
@click.option("--no-llm", is_flag=True, help="Rules only, whatever is configured.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line an issue.")
def triage(
    file: str, labels: Path | None, config: Path | None, no_llm: bool, as_json: bool
) -> None:
    """Say what Tagline would make of each issue in a file; nothing is written anywhere.

    LABELS is a JSON list (or JSON lines) of names, or of objects with name and description. Without
    it the common tags are used.
    """
    import msgspec

    enrich = _enricher(_labels(labels), config, no_llm)
    failed = 0
    for number, line in enumerate(_lines(file), 1):
        try:
            found = enrich(_issue(json.loads(line)))
        except (ValueError, RecursionError) as error:
            failed += 1
            shown: dict[str, Any] = {"v": 1, "error": f"line {number}: {error}"}
        else:
            shown = _shown(found)
        click.echo(msgspec.json.encode(shown).decode() if as_json else _readable(number, shown))
    if failed:
        click.echo(f"{failed} lines could not be read.", err=True)
        sys.exit(PARTIAL)


def _enricher(
    labels: Sequence[Label], path: Path | None, no_llm: bool
) -> Callable[[Issue], Enrichment]:
    from bot import wiring
    from bot.core.labels.policy import CurrentLabels
    from bot.core.ports import ModelService
    from bot.flow.enrich import Labeller, ModelLabeller, RulesLabeller, enrich, prepare
    from bot.flow.load_config import choose_model
    from bot.store.memory import MemoryStore

    models: dict[str, ModelService] = {}
    if not no_llm:
        settings = bootstrap.settings()
        bootstrap.announce(settings)
        models = wiring.models(settings.model, bootstrap.web(), MemoryStore())
    config = _config(path, models)
    labellers: list[Labeller] = [ModelLabeller(choose_model(config, models)), RulesLabeller()]

    def work(issue: Issue) -> Enrichment:
        current = CurrentLabels(labels=issue.labels)
        return enrich(prepare(issue, labels, config), current, labellers)

    return work


def _lines(file: str) -> Iterator[bytes]:
    with click.open_file(file, "rb") as opened:
        stream: Any = opened
        if file != "-" and stream.peek(2)[:2] == GZIP:
            stream = gzip.GzipFile(fileobj=stream)
        yield from (line for line in stream if line.strip())


def _issue(row: object) -> Issue:
    """An issue from a row. Raises ValueError for one without a title."""
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


def _labels(path: Path | None) -> list[Label]:
    import msgspec

    from bot.core.labels.keywords import COMMON_TAGS
    from bot.core.types import Label

    if path is None:
        return [Label(name) for name in COMMON_TAGS]
    data = path.read_bytes()
    data = gzip.decompress(data) if data.startswith(GZIP) else data
    try:
        rows = msgspec.json.decode(data)
        rows = rows if isinstance(rows, list) else [rows]
    except msgspec.DecodeError:
        rows = [_decoded(line) for line in data.splitlines() if line.strip()]
    return [_label(row) for row in rows]


def _decoded(line: bytes) -> object:
    import msgspec

    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        raise click.UsageError("--labels is neither JSON nor JSON lines.") from None


def _label(row: object) -> Label:
    from bot.core.types import Label

    name = row.get("name") if isinstance(row, Mapping) else row
    if not isinstance(name, str) or not name:
        raise click.UsageError("--labels: each entry is a name, or an object with a name.")
    description = row.get("description") if isinstance(row, Mapping) else ""
    return Label(name, description if isinstance(description, str) else "")


def _config(path: Path | None, models: Collection[str]) -> RepoConfig:
    from bot.core.config import parser

    text = path.read_text(errors="replace") if path else None
    reading = parser.restrict_models(parser.read(text), models)
    for problem in reading.problems:
        click.echo(f"{path}: {problem}", err=True)
    return reading.config


def _shown(found: Enrichment) -> dict[str, Any]:
    from bot.core.text.sanitize import one_line

    usage = found.usage
    return {
        "v": 1,
        "summary": one_line(found.summary),
        "labels": [
            {"name": choice.label, "certainty": choice.certainty, "source": found.source}
            for choice in found.label_decision.apply
        ],
        "suggested": found.label_decision.suggest,
        "source": found.source,
        "tokens": {"in": usage.tokens_in, "out": usage.tokens_out},
        "cost_usd": usage.cost_usd,
    }


def _readable(number: int, shown: Mapping[str, Any]) -> str:
    if "error" in shown:
        return f"{number}: {shown['error']}"
    names = ", ".join(f"{x['name']} ({x['certainty']})" for x in shown["labels"]) or "no labels"
    return f"{number}: {names}\n   {shown['summary']}"
