"""The `tagline` command; imports the module of a command only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "demo": "Try Tagline on this machine, without account, key or network.",
    "run": "Run everything on one host: receiver, worker and a private Redis.",
    "serve": "Receive webhooks and queue them.",
    "worker": "Process queued jobs: summaries, labels, comments.",
    "enrich": "Process one issue; without --apply print the result only.",
    "triage": "Print summaries and labels for a file of issues.",
    "check": "Check settings, Redis, forges and model; each problem with its fix.",
    "config": "Check, show or create a repository's tagline.yml.",
    "job": "Show the state and outcome of a job.",
    "dead": "List failed jobs and retry them.",
    "gitlab": "Add or remove the webhook of a GitLab project or group.",
    "version": "Print the version.",
}


class _LazyGroup(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"bot.cli.{name}"), name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Tagline posts one short summary comment and the right labels on every new issue.

    \b
    Exit codes: 0 success, 1 failure, 2 wrong usage or settings, 75 try again later.
    """
