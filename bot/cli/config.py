"""`tagline config`: check, show, explain and begin a repository's tagline.yml."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from bot.cli import bootstrap

PLACES = (".github/tagline.yml", ".gitlab/tagline.yml")
NO_EFFECT = "accepted, without effect in this version"
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
file_argument = click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)


@click.group()
def config() -> None:
    """Check, show or begin a repository's tagline.yml."""


@config.command()
@file_argument
@json_option
def check(file: str | None, as_json: bool) -> None:
    """Tell every problem in FILE, with its line, its key and what to write instead.

    FILE is by default the .github/tagline.yml or .gitlab/tagline.yml of this directory; - reads
    from standard input. Ends with 1 where there is a problem; a note on a key that has no effect
    yet is none.
    """
    from bot.core.config import docs, parser

    name = file or _found_here()
    reading = parser.read(_text(name))
    remarks = docs.notes(reading)
    if as_json:
        shown: dict[str, Any] = {
            "v": 1,
            "file": name,
            "ok": not reading.problems,
            "problems": [
                {"line": x.line, "key": x.key, "advice": x.advice} for x in reading.problems
            ],
            "notes": [{"line": line, "key": key, "note": NO_EFFECT} for line, key in remarks],
        }
        click.echo(json.dumps(shown))
    else:
        for x in reading.problems:
            click.echo(f"{name}:{x.line or 1}: {x.key or 'file'}: {x.advice}")
        for line, key in remarks:
            click.echo(f"{name}:{line}: {key}: note: {NO_EFFECT}")
        if not reading.problems:
            click.echo(f"{name}: no problem", err=True)
    sys.exit(1 if reading.problems else 0)


@config.command()
@file_argument
@click.option("--repo", help="Of a repository, through its forge: github:OWNER/NAME or its URL.")
@json_option
def show(file: str | None, repo: str | None, as_json: bool) -> None:
    """Print the configuration that holds, defaults included. Problems go to standard error."""
    import msgspec

    from bot.core.config import docs, parser

    if file and repo:
        raise click.UsageError("Give FILE or --repo, not both.")
    reading = parser.read(_of_repository(repo) if repo else _text(file or _found_here()))
    for problem in reading.problems:
        click.echo(f"Problem: {problem}", err=True)
    if as_json:
        click.echo(json.dumps({"v": 1, "config": msgspec.to_builtins(reading.config)}))
    else:
        click.echo(docs.as_yaml(reading.config), nl=False)


@config.command()
def schema() -> None:
    """Print the file's JSON Schema, for editors."""
    from bot.core.config import docs

    click.echo(json.dumps(docs.schema(), indent=2))


@config.command()
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="A new file.")
def init(write: Path | None) -> None:
    """Print a file with every default and what it is for; --write puts it into a new file."""
    from bot.core.config import docs

    text = docs.commented()
    if write is None:
        click.echo(text, nl=False)
        return
    try:
        write.parent.mkdir(parents=True, exist_ok=True)
        with write.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise click.ClickException(f"{write} is there already; it is left as it is.") from None
    except OSError as error:
        raise click.ClickException(f"{write} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {write}", err=True)


def _found_here() -> str:
    for place in PLACES:
        if Path(place).is_file():
            return place
    raise click.UsageError(f"Neither {' nor '.join(PLACES)} is here: name a FILE.")


def _text(name: str) -> str:
    try:
        with click.open_file(name, encoding="utf-8", errors="replace") as file:
            return str(file.read())
    except OSError as error:
        raise click.ClickException(f"{name} cannot be read: {error.strerror}.") from None


def _of_repository(repo: str) -> str | None:
    from bot import wiring
    from bot.core import refs
    from bot.core.errors import Retry, TaglineError
    from bot.forges import registry

    settings = bootstrap.settings()
    try:
        where = refs.repository(repo, wiring.url_forms(settings))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--repo") from None
    try:
        forge = registry.FORGES[where.forge].client(settings, bootstrap.web())
        return forge.config_text(forge.locate(where))
    except TaglineError as error:
        click.echo(f"Not done: {error}", err=True)
        sys.exit(bootstrap.TRY_AGAIN if isinstance(error, Retry) else 1)
