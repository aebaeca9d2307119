"""What every command does first: read the settings, set up the log, say what is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from bot import log
from bot.settings.load import Settings, SettingsError, load

if TYPE_CHECKING:
    import redis

    from bot.http import ClientPool

USAGE = 2
TRY_AGAIN = 75
NO_REDIS = "look at REDIS_URL; without it, whether `tagline run` is at work, and at DATA_DIR"


def settings() -> Settings:
    """Settings from the environment and `.env`; exits with every problem where there is one."""
    try:
        found = load(os.environ, Path(".env"))
    except SettingsError as error:
        refuse(error)
    log.configure(found.log_level, found.log_format, found.secrets)
    return found


def refuse(error: SettingsError) -> NoReturn:
    """Print the problems and exit."""
    click.echo("Tagline cannot start:", err=True)
    for problem in error.problems:
        click.echo(f"  - {problem}", err=True)
    sys.exit(USAGE)


def unmet(found: Settings) -> list[str]:
    """What receiver and worker in one still lack."""
    problems: list[str] = []
    for need in (found.require_webhook_secret, found.require_forge):
        try:
            need()
        except SettingsError as error:
            problems += error.problems
    return problems


def web() -> ClientPool:
    """Return HTTP clients that are closed when the command ends; exits for a wrong proxy."""
    from bot import wiring

    try:
        made = wiring.clients()
    except SettingsError as error:
        refuse(error)
    click.get_current_context().call_on_close(made.close)
    return made


def redis_client(found: Settings) -> redis.Redis:
    """A client that is closed when the command ends."""
    from bot import wiring

    client = wiring.redis_client(found)
    click.get_current_context().call_on_close(client.close)
    return client


def announce(found: Settings) -> None:
    """The start-up lines: which model, or why there is none."""
    say = log.get()
    for notice in found.notices:
        say.warning(notice)
    for one in (found.model, *found.model.fallbacks) if found.model else ():
        say.info("language model", provider=one.provider, model=one.model)
