"""`tagline version`."""

from __future__ import annotations

import json

import click

from bot import __version__
from bot.cli.options import json_option


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the version."""
    click.echo(json.dumps({"v": 1, "version": __version__}) if as_json else __version__)
