"""`tagline version`."""

from __future__ import annotations

import json

import click

from bot import __version__


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def version(as_json: bool) -> None:
    """Print the version."""
    click.echo(json.dumps({"v": 1, "version": __version__}) if as_json else __version__)
