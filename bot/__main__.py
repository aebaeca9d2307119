"""`python -m bot`."""

from bot.cli.main import cli

cli(prog_name="tagline")
