"""`tagline stats [REPO]`: prints whether Tagline is worth keeping, one section after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot.cli import bootstrap, terminal
from bot.cli.known_repositories import list_known
from bot.cli.options import json_option

if TYPE_CHECKING:
    from bot.cli.sections.section import Repository, Section

MAX_ROWS = 50  # of a section; a repository may have hundreds of labels
LEARN_OFF = (
    "Note: learn.from_corrections is false, or mode is off, in its tagline.yml: changes of labels"
    " are not recorded, and no label is only suggested, or withheld, because of them."
)


@click.command()
@click.argument("repo", required=False)
@json_option
def stats(repo: str | None, as_json: bool) -> None:
    """Show whether Tagline is worth keeping: what it did, what people made of it, what it cost,
    what was learned, and what is only suggested, or not even that.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL; without it, a line for
    each repository that Redis knows, and totals. A change of labels is counted about a minute after
    it was made.
    """
    if repo is None:
        _show_all(list_repositories(), as_json)
    else:
        _show_repository(open_repository(repo), as_json)


def _show_all(repositories: Sequence[Repository], as_json: bool) -> None:
    from bot.cli.sections.overview import show_overview, sum_figures
    from bot.cli.sections.usefulness import describe_figures, show_figures

    section, total = show_overview(repositories), sum_figures(repositories)
    if as_json:
        report = {"v": 1, section.name: section.rows, "total": describe_figures(total)}
        click.echo(msgspec.json.encode(report))
        return
    parts = [section, show_figures(total, "All repositories together")]
    click.echo("\n\n".join("\n".join(format_section(part)) for part in parts))


def _show_repository(repository: Repository, as_json: bool) -> None:
    from bot.cli.sections.corrections import show_corrections, show_demotions, show_withheld
    from bot.cli.sections.labels import show_labels
    from bot.cli.sections.related import show_related
    from bot.cli.sections.training import show_learned, show_training
    from bot.cli.sections.usefulness import (
        describe_figures,
        show_costs,
        show_limit,
        show_usefulness,
    )

    of_labels = (show_labels, show_training, show_learned, show_demotions, show_withheld)
    order = (show_usefulness, show_costs, *of_labels, show_corrections, show_related, show_limit)
    sections = [make(repository) for make in order]
    learns = repository.in_force.learns_from_corrections
    verdict = repository.find_verdict()
    if as_json:
        rows = {section.name: section.rows for section in sections}
        report: dict[str, Any] = {"v": 1, "repository": repository.name, "learns": learns, **rows}
        report |= {"usefulness": describe_figures(repository.figures), "verdict": verdict}
        click.echo(msgspec.json.encode(report))
        return
    if not learns:
        click.echo(LEARN_OFF, err=True)
    click.echo("\n\n".join("\n".join(format_section(section)) for section in sections))
    click.echo("\n" + "\n".join(terminal.wrap(verdict.text, "")))
    click.echo("\n".join(terminal.wrap(verdict.rule, "  ")))


def open_repository(repo: str) -> Repository:
    """Return a repository and what Redis has of it. Raises the errors of a forge."""
    from bot import wiring
    from bot.cli.repository_config import read_config
    from bot.cli.sections.section import Repository
    from bot.flow.load_config import restrict_mode

    settings = bootstrap.load_settings()
    forge, ref = bootstrap.find_repository(settings, repo, "REPO")
    in_force = restrict_mode(read_config(settings, forge, ref), settings.mode)
    store = wiring.redis_store(bootstrap.open_redis(settings))
    return Repository(ref, store, in_force, settings.budget_usd_per_day)


def list_repositories() -> list[Repository]:
    """Return the repositories that Redis knows, with their last readable configuration.

    No request is sent to a forge.
    """
    from bot import wiring
    from bot.cli.sections.section import Repository
    from bot.flow.load_config import find_config, restrict_mode

    settings = bootstrap.load_settings()
    store = wiring.redis_store(bootstrap.open_redis(settings))
    found = []
    for ref in list_known(store):
        in_force = find_config(store.last_config(ref.repo_key), lambda: None)
        in_force = restrict_mode(in_force, settings.mode)
        found.append(Repository(ref, store, in_force, settings.budget_usd_per_day))
    return found


def format_section(section: Section) -> Iterator[str]:
    """Yield the lines of a section: title, table, notes."""
    yield section.title
    if not section.rows:
        yield f"  {section.empty}"
        return
    table = [section.columns, *(section.format(row) for row in section.rows[:MAX_ROWS])]
    for line in terminal.format_table(table):
        yield f"  {line}"
    if len(section.rows) > MAX_ROWS:
        yield f"  and {len(section.rows) - MAX_ROWS:,} more: --json has them"
    if section.note:
        yield from terminal.wrap(section.note, "  ")
