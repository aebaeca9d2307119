"""Functions that all commands use: settings, clients that close with the command, errors."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from bot import log
from bot.settings.load import Settings, SettingsError, load

if TYPE_CHECKING:
    import redis

    from bot.core.refs import UrlForm
    from bot.core.types import IssueRef
    from bot.forges.registry import ForgeClient
    from bot.http import ClientPool

USAGE = 2
FIRST_FINDINGS = 2  # of a forge: the clock, and whether it accepts the credentials
ENV_FILE = Path(".env")
TRY_AGAIN = 75
NO_REDIS = "look at REDIS_URL; if it is not set, at DATA_DIR and whether `tagline run` is running"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def load_settings(*, receives_only: bool = False) -> Settings:
    """Return the settings from the environment and `.env`, or exit with their problems.

    A part that only receives does not need the whole GitHub App.
    """
    try:
        settings = load(os.environ, ENV_FILE)
        if settings.app_problem and not receives_only:
            raise SettingsError([settings.app_problem])
    except SettingsError as error:
        exit_with_problems(error)
    log.configure(settings.log_level, settings.log_format, settings.secrets)
    return settings


def exit_with_problems(error: SettingsError) -> NoReturn:
    """Print the problems and exit with the code for wrong settings."""
    problems = "".join(f"\n  - {problem}" for problem in error.problems)
    fail(f"Tagline cannot start:{problems}\n({describe_sources()})", USAGE)


def describe_sources() -> str:
    """Return from where the settings are read, with the path of `.env`."""
    path = ENV_FILE.absolute()
    if path.is_file():
        return f"Settings come from the environment and from {path}."
    return f"Settings come from the environment alone: there is no {path}."


def fail(message: str, code: int = 1) -> NoReturn:
    """Print a message to standard error and exit."""
    click.echo(message, err=True)
    sys.exit(code)


@contextmanager
def exit_on_errors() -> Iterator[None]:
    """Print a message and exit on an error of a forge, a model or Redis."""
    import redis

    from bot.core.errors import Retry, TaglineError

    try:
        yield
    except TaglineError as error:
        fail(f"Not done: {error}", TRY_AGAIN if isinstance(error, Retry) else 1)
    except redis.RedisError:
        fail(f"Redis does not answer: {NO_REDIS}.", TRY_AGAIN)


def open_clients() -> ClientPool:
    """Return HTTP clients that are closed when the command ends; exit on a wrong proxy."""
    from bot import wiring

    try:
        clients = wiring.clients()
    except SettingsError as error:
        exit_with_problems(error)
    click.get_current_context().call_on_close(clients.close)
    return clients


def parse_ref(
    settings: Settings,
    parse: Callable[[str, Sequence[UrlForm]], IssueRef],
    text: str,
    parameter: str,
) -> IssueRef:
    """Return a reference, read by a function of `core.refs`. Raises `BadParameter`."""
    from bot import wiring

    try:
        return parse(text, wiring.url_forms(settings))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=parameter) from None


def open_forge(
    settings: Settings, clients: ClientPool, ref: IssueRef
) -> tuple[ForgeClient, IssueRef]:
    """Return the forge of a reference, and the reference completed with ids from the forge.

    Raises the errors of a forge.
    """
    from bot.forges import registry

    forge = registry.FORGES[ref.forge].client(settings, clients)
    return forge, forge.complete_ref(ref)


def open_redis(settings: Settings) -> redis.Redis:
    """Return a client that is closed when the command ends."""
    from bot import wiring

    client = wiring.redis_client(settings)
    click.get_current_context().call_on_close(client.close)
    return client


def log_redis_problems(settings: Settings, *, receives_only: bool = False) -> None:
    """Log why this Redis can never work, with the fix; nothing if it does not answer now."""
    from bot.queue import checks

    commands = checks.RECEIVER_COMMANDS if receives_only else checks.WORKER_COMMANDS
    for problem in checks.find_problems(open_redis(settings), commands):
        log.get().error(f"Redis {problem.what}", fix=problem.fix)


def log_start(settings: Settings, *, calls_models: bool = True) -> None:
    """Log the notices of the settings and, for a part that calls them, the language models."""
    for notice in (*settings.notices, *(settings.model_notices if calls_models else ())):
        log.get().warning(notice)
    if not calls_models:
        return
    for model in (settings.model, *settings.model.fallbacks) if settings.model else ():
        log.get().info("language model", provider=model.provider, model=model.model)


def log_forge_problems(settings: Settings) -> None:
    """Log why a forge cannot be used with these settings, without holding back the start."""
    threading.Thread(target=_log_forge_problems, args=(settings,), daemon=True).start()


def _log_forge_problems(settings: Settings) -> None:
    from bot import wiring
    from bot.core.errors import TaglineError
    from bot.forges import registry

    clients = wiring.clients()
    for name, forge in registry.FORGES.items():
        if not forge.has_access(settings):
            continue
        try:
            for finding in islice(forge.check(settings, clients, None), FIRST_FINDINGS):
                if finding.wrong:
                    log.get().warning(finding.what, forge=name, fix=finding.fix)
        except TaglineError as error:
            fix = "run `tagline check`"
            log.get().error("the forge cannot be used", forge=name, why=str(error), fix=fix)
        except Exception as error:  # a thread has nobody to raise to
            frames = log.frames(error.__traceback__)[-8:]
            log.get().error("unexpected error", error=type(error).__name__, frames=frames)
    clients.close()
