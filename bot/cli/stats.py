"""`tagline stats REPO`: prints what people did with labels and named issues, section by section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap
from bot.cli.tables import format_table

if TYPE_CHECKING:
    from bot.cli.sections.section import Repository, Section

MAX_ROWS = 50  # of a section; a repository may have hundreds of labels
LEARN_OFF = (
    "Note: learn.from_corrections is false, or mode is off, in its tagline.yml: changes of labels"
    " are not recorded, and no label is only suggested, or withheld, because of them."
)


@click.command()
@click.argument("repo")
@bootstrap.json_option
def stats(repo: str, as_json: bool) -> None:
    """Show what people did with labels and suggestions, what was learned, and what is only
    suggested, or not even that.

    REPO is github:OWNER/NAME, gitlab:GROUP/PROJECT or the repository's URL. A change of labels is
    counted about a minute after it was made.
    """
    import msgspec

    from bot.cli.sections.corrections import show_corrections, show_demotions, show_withheld
    from bot.cli.sections.labels import show_labels
    from bot.cli.sections.related import show_related
    from bot.cli.sections.training import show_learned, show_training

    repository = open_repository(repo)
    of_labels = (show_labels, show_training, show_learned, show_demotions, show_withheld)
    sections = [make(repository) for make in (*of_labels, show_corrections, show_related)]
    learns = repository.in_force.learns_from_corrections
    if as_json:
        rows = {section.name: section.rows for section in sections}
        report = {"v": 1, "repository": repository.name, "learns": learns, **rows}
        click.echo(msgspec.json.encode(report))
        return
    if not learns:
        click.echo(LEARN_OFF, err=True)
    click.echo("\n\n".join("\n".join(format_section(section)) for section in sections))


def open_repository(repo: str) -> Repository:
    """Return a repository and what Redis has of it. Raises the errors of a forge."""
    from bot import wiring
    from bot.cli.repository_config import read_config
    from bot.cli.sections.section import Repository
    from bot.flow.load_config import restrict_mode

    settings = bootstrap.load_settings()
    forge, ref = bootstrap.find_repository(settings, repo, "REPO")
    in_force = restrict_mode(read_config(settings, forge, ref), settings.mode)
    return Repository(ref, wiring.redis_store(bootstrap.open_redis(settings)), in_force)


def format_section(section: Section) -> Iterator[str]:
    """Yield the lines of a section: title, table, notes."""
    yield section.title
    if not section.rows:
        yield f"  {section.empty}"
        return
    table = [section.columns, *(section.format(row) for row in section.rows[:MAX_ROWS])]
    for line in format_table(table):
        yield f"  {line}"
    if len(section.rows) > MAX_ROWS:
        yield f"  and {len(section.rows) - MAX_ROWS:,} more: --json has them"
    if section.note:
        yield from bootstrap.wrap(section.note, "  ")
