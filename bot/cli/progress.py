"""The state of a long command on one line of standard error, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from bot.core.text.sanitize import to_one_line

CLEAR_LINE = "\r\033[K"


def make(name: str) -> Callable[[str], None]:
    """Return what shows a text behind the name of what is worked on."""

    def show(text: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"{CLEAR_LINE}{to_one_line(name)} {text}", err=True, nl=False, color=True)

    return show


def clear() -> None:
    if sys.stderr.isatty():
        click.echo(CLEAR_LINE, err=True, nl=False, color=True)
