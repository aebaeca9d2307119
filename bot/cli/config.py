"""`tagline config`: checks, shows, documents and creates a repository's tagline.yml."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click
import msgspec

from bot.cli import bootstrap
from bot.cli.options import json_option
from bot.settings.urls import check_base_url

PATHS = (".github/tagline.yml", ".gitlab/tagline.yml")
READ = tuple(path.replace(".yml", end) for path in PATHS for end in (".yml", ".yaml"))
FOLDERS = (".", ".github", ".github/workflows", ".gitlab", "docs")
NAME = re.compile(r"\.?tagline\.ya?ml", re.IGNORECASE)
EXAMPLE_URL = "https://your.host"  # as in README
file_argument = click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)


@click.group()
def config() -> None:
    """Check, show or create a repository's tagline.yml."""


@config.command()
@file_argument
@json_option
def check(file: str | None, as_json: bool) -> None:
    """Print every problem in FILE, with its line, its key and what to write instead.

    FILE defaults to .github/tagline.yml and .gitlab/tagline.yml in this directory (or .yaml); - is
    standard input. The exit code is 1 if there is a problem. Notes on files that are not read are
    no problems. --json prints one line for each file.
    """
    names = [file] if file else _find_default_files()
    unread = [] if file else _list_unread()
    are_valid = [_check_file(name, unread, as_json=as_json) for name in names]
    if not as_json:
        for path in unread:
            click.echo(f"{path}: note: not read; {' or '.join(PATHS)} is")
    sys.exit(0 if all(are_valid) else 1)


def _check_file(name: str, unread: list[str], *, as_json: bool) -> bool:
    """Print the problems of a file; return whether it has none."""
    from bot.core.config import parser

    problems = parser.read(_read_file(name)).problems
    if as_json:
        report = {
            "v": 1,
            "file": name,
            "ok": not problems,
            "problems": [{"line": x.line, "key": x.key, "advice": x.advice} for x in problems],
            "unread": unread,
        }
        click.echo(json.dumps(report))
    else:
        for x in problems:
            click.echo(f"{name}:{x.line or 1}: {x.key or 'file'}: {x.advice}")
        if not problems:
            click.echo(f"{name}: no problem", err=True)
    return not problems


@config.command()
@file_argument
@click.option("--repo", help="Read it from a repository: github:OWNER/NAME or its URL.")
@json_option
def show(file: str | None, repo: str | None, as_json: bool) -> None:
    """Print the effective configuration, with defaults. Problems go to standard error."""
    from bot.core.config import docs, parser

    if file and repo is not None:
        raise click.UsageError("Give FILE or --repo, not both.")
    text = (
        _read_repository(repo) if repo is not None else _read_file(file or _find_default_files()[0])
    )
    parsed = parser.read(text)
    for problem in parsed.problems:
        click.echo(f"Problem: {problem}", err=True)
    if as_json:
        click.echo(json.dumps({"v": 1, "config": msgspec.to_builtins(parsed.config)}))
    else:
        click.echo(docs.as_yaml(parsed.config), nl=False)


@config.command()
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    from bot.core.config import docs

    click.echo(json.dumps(docs.schema(), indent=2))


@config.command()
@click.option(
    "--write", type=click.Path(dir_okay=False, path_type=Path), help="Write to a new file."
)
@click.option(
    "--public-url",
    envvar="PUBLIC_URL",
    default=EXAMPLE_URL,
    help="The receiver's address, from which editors get the schema. Default: PUBLIC_URL.",
)
def init(write: Path | None, public_url: str) -> None:
    """Print a file with all keys, their defaults and descriptions."""
    from bot.core.config import docs

    if problem := check_base_url(public_url, only_loopback=False):
        raise click.BadParameter(f"it {problem}", param_hint="--public-url")
    text = docs.commented(public_url)
    if write is None:
        click.echo(text, nl=False)
        return
    try:
        write.parent.mkdir(parents=True, exist_ok=True)
        with write.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise click.ClickException(f"{write} already exists; it was not changed.") from None
    except OSError as error:
        raise click.ClickException(f"{write} cannot be written: {error.strerror}.") from None
    click.echo(f"Wrote {write}", err=True)


def _find_default_files() -> list[str]:
    """Return the file of each host: a repository may have both. Raises `UsageError` for none."""
    found = {Path(path).parent: path for path in reversed(READ) if Path(path).is_file()}
    if found:
        return sorted(found.values())
    missing = f"Neither {' nor '.join(PATHS)} exists here"
    if unread := _list_unread():
        raise click.UsageError(f"{missing}, and {', '.join(unread)} is not read: move it there.")
    raise click.UsageError(f"{missing}: name a FILE.")


def _list_unread() -> list[str]:
    """Return files here that people may take for the configuration.

    Of two names for the same host the first is read.
    """
    here = [
        path.as_posix()
        for folder in FOLDERS
        if Path(folder).is_dir()
        for path in sorted(Path(folder).iterdir())
        if NAME.fullmatch(path.name) and path.is_file()
    ]
    first = {Path(path).parent: path for path in reversed(READ) if path in here}
    return [path for path in here if path not in first.values()]


def _read_file(name: str) -> str:
    try:
        with click.open_file(name, encoding="utf-8", errors="replace") as file:
            return str(file.read())
    except OSError as error:
        raise click.ClickException(f"{name} cannot be read: {error.strerror}.") from None


def _read_repository(repo: str) -> str | None:
    settings = bootstrap.load_settings()
    forge, ref = bootstrap.find_repository(settings, repo, "--repo")
    return forge.get_config_text(ref)
