"""`tagline`: finds each command's file only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "demo": "See Tagline work on this machine, with no account, key or network.",
    "run": "Everything on one host: receiver, worker and a private Redis.",
    "serve": "Receive webhooks and queue them.",
    "worker": "Work off the queue: summaries, labels, comments.",
    "enrich": "Enrich one issue; prints what would be written unless --apply is given.",
    "triage": "Say what would be made of a file of issues; no forge, no Redis.",
    "check": "Try everything that Tagline needs; each problem with its fix.",
    "config": "Check, show or begin a repository's tagline.yml.",
    "job": "Tell what became of a job.",
    "dead": "Look at jobs that were given up, and send them again.",
    "gitlab": "Add or remove the webhook of a GitLab project or group.",
    "version": "Print the version.",
}


class _Lazy(click.Group):
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


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Tagline posts one short summary comment and the right labels on every new issue.

    \b
    Exit codes: 0 ok, 1 failed, 2 usage or settings, 75 try again later.
    """
