"""The `tagline` command; imports the module of a command only when it is called."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

from bot import __version__

GROUPS = {
    "Try": {
        "demo": "Try Tagline on this machine, without account, key or network.",
        "enrich": "Process one issue; without --apply print the result only.",
        "triage": "Print summaries and labels for a file of issues.",
    },
    "Install": {
        "check": "Check settings, Redis, forges and model; each problem with its fix.",
        "gitlab": "Add or remove the webhook of a GitLab project or group.",
        "config": "Check, show or create a repository's tagline.yml.",
        "completion": "Print the completion script of a shell.",
        "version": "Print the version.",
    },
    "Run": {
        "run": "Run everything on one host: receiver, worker and a private Redis.",
        "serve": "Receive webhooks and queue them.",
        "worker": "Process queued jobs: summaries, labels, comments.",
        "job": "Show the state and outcome of a job.",
        "dead": "List failed jobs and retry them.",
    },
}
COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}


class _LazyGroup(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"bot.cli.{name}"), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. An error ends it with a sentence on standard error, never a traceback."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own ones
        except Exception as error:
            from bot.cli.bootstrap import describe_error, fail

            fail(*describe_error(error))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Tagline posts one short summary comment and the right labels on every new issue.

    Exit codes: 0 success, 1 failure, 2 wrong usage or settings, 3 partly done,
    4 budget reached, 75 try again later.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
