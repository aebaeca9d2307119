"""The `tagline` command; imports the module of a command only when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import click

import bot

HERE = Path(__file__).parents[1]
OTHER_PACKAGE = (
    "Another Python package is named bot, as Tagline's is: {}. Only one of the two can work:"
    " install Tagline into a virtual environment of its own and unset PYTHONPATH."
)

GROUPS = {
    "Try": {
        "demo": "Try Tagline on this machine, without account, key or network.",
        "preview": "Show what Tagline would set on a repository's newest issues; write nothing.",
        "enrich": "Process one issue; without --apply print the result only.",
        "triage": "Print summaries and labels for a file of issues.",
    },
    "Install": {
        "setup": "Connect GitHub or GitLab and choose a model, on a page in the browser.",
        "check": "Check settings, Redis, forges and model; each problem with its fix.",
        "gitlab": "Add or remove the webhook of a GitLab project or group.",
        "github": "Print an App's manifest, or ask GitHub to send failed deliveries again.",
        "config": "Check, show or create a repository's tagline.yml.",
        "labels": "Review a repository's labels, or create common ones.",
        "completion": "Print the completion script of a shell.",
        "version": "Print the version.",
    },
    "Run": {
        "run": "Run everything on one host: receiver, worker and a private Redis.",
        "serve": "Receive webhooks and queue them.",
        "worker": "Process queued jobs: summaries, labels, comments.",
        "action": "Process the event of a GitHub Actions or GitLab CI/CD job; needs no server.",
        "runs": "List the last jobs: outcome, model, cost, seconds, labels kept since.",
        "job": "Show the state and outcome of a job.",
        "stats": "Show whether Tagline is worth keeping: labels kept, cost, what was learned.",
        "undo": "Take back what Tagline wrote since a time, where nobody touched it.",
        "resume": "Let Tagline apply a label again that people had removed too often.",
        "dead": "List failed jobs and retry them.",
        "forget": "Remove what Redis holds of a repository or an account.",
    },
    "Learn": {
        "backtest": "Show how often Tagline's labels would have been right on past issues.",
        "backfill": "Label the past issues of a repository.",
        "duplicates": "Show how often Tagline finds the known duplicates of reports in a file.",
        "export": "Print labelled issues, to fine-tune a language model.",
    },
}
COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}


class _LazyGroup(click.Group):
    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Return the context of a call; report another package `bot` unless this is completion."""
        if not extra.get("resilient_parsing") and (other := find_other_package(sys.path)):
            click.echo(OTHER_PACKAGE.format(other), err=True)
            if Path(other).parent == HERE:
                sys.exit(1)
        return super().make_context(*args, **extra)

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


def find_other_package(path: Iterable[str]) -> str:
    """Return the file of a package `bot` on `path`, as in `sys.path`, that is not Tagline's, or "".

    It is Tagline's own `__init__.py` if another distribution has replaced that.
    """
    if not hasattr(bot, "__version__"):
        return str(HERE / "__init__.py")
    for entry in dict.fromkeys(path):
        spec = PathFinder.find_spec("bot", [entry or os.getcwd()])
        if not spec or not spec.origin:  # a folder without Python modules has no origin
            continue
        file = Path(spec.origin)
        if file.name != "__init__.py" or not (file.parent / "cli" / "main.py").exists():
            return str(file)
    return ""


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(getattr(bot, "__version__", "unknown"), message="%(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Tagline posts one short summary comment and the right labels on every new issue.

    Exit codes: 0 success, 1 failure, 2 wrong usage or settings, 3 partly done,
    4 budget reached, 75 try again later.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
