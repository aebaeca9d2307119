"""Functions that all commands use: settings, clients that close with the command, errors."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path
from traceback import walk_tb
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import click

from bot import log
from bot.cli import terminal
from bot.core import refs
from bot.core.errors import (
    Moved,
    NotFound,
    Postponed,
    RateLimited,
    Retry,
    TaglineError,
    Unreachable,
)
from bot.core.refs import UrlForm
from bot.core.types import IssueRef
from bot.settings.load import PROXIES, Settings, SettingsError, load

if TYPE_CHECKING:
    import redis

    from bot.forges.registry import ForgeClient
    from bot.http import ClientPool
    from bot.store.no_store import NoStore
    from bot.store.redis import RedisStore

USAGE = 2
FIRST_FINDINGS = 2  # of a forge: the clock, and whether it accepts the credentials
ENV_FILE = Path(".env")
PARTIAL = 3
OVER_BUDGET = 4
TRY_AGAIN = 75
ADAPTERS = ("bot.forges.", "bot.store.", "bot.queue.")
NO_REPOSITORY = "check its spelling, and that the App or the token's user has access to it"
NO_REDIS = "look at REDIS_URL; if it is not set, at DATA_DIR and whether `tagline run` is running"


class AddressUnavailable(Exception):
    """The receiver cannot listen on its address; the text gives the reason and the fix."""


def load_settings() -> Settings:
    """Return the settings from the environment and `.env`. Raises `SettingsError`.

    Notices and warnings are lines of text on standard error; LOG_FORMAT is for services.
    """
    settings = _load()
    if settings.app_problem:
        raise SettingsError([settings.app_problem], settings.notices)
    level = "warning" if settings.log_level == "info" else settings.log_level
    log.configure(level, "plain", settings.secrets)
    return settings


def load_service_settings(
    *,
    receives: bool = False,
    works: bool = False,
    poll: int | None = None,
    may_lack_forge: bool = False,
) -> Settings:
    """Return the settings of a service, and log its notices and its language models.

    A part that only receives needs neither models nor the whole GitHub App. `poll` replaces
    TAGLINE_POLL_SECONDS. Raises `SettingsError` with all that is missing, unless `may_lack_forge`
    and nothing of a forge is set.
    """
    settings = _load({"TAGLINE_POLL_SECONDS": str(poll)} if poll else {})
    log.configure(settings.log_level, settings.log_format, settings.secrets)
    log_start(settings, calls_models=works)
    if settings.has_forge_variables or not may_lack_forge:
        settings.require(webhook_secret=receives, forge=works)
    return settings


def load_setup_settings() -> Settings:
    """Return the settings as far as there are any, for setup. Raises `SettingsError`."""
    settings = _load()
    log.configure(settings.log_level, settings.log_format, settings.secrets)
    return settings


def _load(given: Mapping[str, str] = MappingProxyType({})) -> Settings:
    settings = load({**os.environ, **given}, ENV_FILE)
    export_proxies(settings)
    return settings


def show_notices(settings: Settings) -> None:
    """Print the notices of the settings to standard error."""
    for notice in (*settings.notices, *settings.model_notices):
        click.echo(f"Note: {notice}", err=True)


def export_proxies(settings: Settings) -> None:
    """Put the proxies of `.env` into the environment, where the HTTP clients read them."""
    for name in (*PROXIES, *map(str.lower, PROXIES)):
        if value := settings.source.get(name):
            os.environ.setdefault(name, value)


def describe_sources() -> str:
    """Return from where the settings are read, with the path of `.env`."""
    path = ENV_FILE.absolute()
    if path.is_file():
        return f"Settings come from the environment and from {path}."
    return f"Settings come from the environment alone: there is no {path}."


def has_display() -> bool:
    return sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def fail(message: str, code: int = 1) -> NoReturn:
    """Print a message to standard error and exit."""
    click.echo(message, err=True)
    sys.exit(code)


def exit_at_once(advice: str = "") -> NoReturn:
    """End the process without waiting for the model's answers to running calls."""
    click.echo(f"\nStopped before the end.{advice}", err=True)
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(1)


def describe_error(error: Exception) -> tuple[str, int]:
    """Return what a command prints for an error that ends it, and its exit code."""
    import redis

    from bot.embedded.valkey import ServerUnavailable

    if isinstance(error, SettingsError):
        lines = (*error.problems, *error.notices)
        problems = "".join(f"\n  - {line}" for line in lines)
        return f"Tagline cannot start:{problems}\n({describe_sources()})", USAGE
    if isinstance(error, (ServerUnavailable, AddressUnavailable)):
        return f"Tagline cannot start: {error}", 1
    if isinstance(error, Retry):
        return f"Not done: {error}{_advise_when(error)}", TRY_AGAIN
    if isinstance(error, TaglineError):
        return f"Not done: {explain_failure(error)}", 1
    if isinstance(error, redis.RedisError):
        from bot.queue.enqueue import error_code

        return f"Redis does not answer ({error_code(error)}): {NO_REDIS}.", TRY_AGAIN
    if known := _describe_input_error(error):
        return known
    if fix := find_hint(error):
        return f"Not done: the server's answer has an unknown form; {fix}", 1
    return describe_fault(error), 1


def explain_failure(error: TaglineError) -> str:
    """Return an error's reason, with what to check where something was not found."""
    hint = f": {NO_REPOSITORY}" if isinstance(error, NotFound) and error.may_be_lag else ""
    return f"{error}{hint}"


def describe_fault(error: Exception) -> str:
    """Return what to report of an error that nothing expects: its type and place, no values."""
    place = (log.frames(error.__traceback__) or [""])[-1]
    return (
        f"Unexpected error ({type(error).__name__} at {place}). This is a fault of Tagline:"
        " please report this line, and what you called."
    )


def _advise_when(error: Retry) -> str:
    """Return the end of a sentence: when to try again, and what to look at then; "" for neither."""
    if isinstance(error, RateLimited):
        return f". Try again in {terminal.format_wait(error.after)}."
    hint = "" if isinstance(error, Postponed) else find_hint(error)
    return f". Try again; if it stays so, {hint}" if hint else ""


def _describe_input_error(error: Exception) -> tuple[str, int] | None:
    """Return the same for an argument or a file that cannot be used, None for other errors."""
    if isinstance(error, UnicodeEncodeError) or "null byte" in str(error):
        return "An argument contains a character that no text has.", USAGE
    if isinstance(error, UnicodeDecodeError):
        return "A file is not UTF-8 text; look at .env, and save it as UTF-8.", USAGE
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} cannot be used: {error.strerror}.", 1
    return None


def find_hint(error: Exception) -> str:
    """Return what to look at for an error that an adapter of a server raised, else ""."""
    from bot.forges.registry import FORGES

    network = "DNS, the network and HTTPS_PROXY"
    hints = {
        f"bot.forges.{name}.": f"look at {entry.url_variable}, {network}"
        if isinstance(error, Unreachable)
        else entry.settings_hint
        for name, entry in FORGES.items()
    }
    redis_hint = "look at REDIS_URL; does another program use its database?"
    hints |= {"bot.store.": redis_hint, "bot.queue.": redis_hint}
    modules = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    own = [name for name in modules if name.startswith("bot.")]
    # Below a forge's own modules may be those that all forges share.
    adapters = takewhile(lambda name: name.startswith(ADAPTERS), reversed(own))
    found = (hint for name in adapters for start, hint in hints.items() if name.startswith(start))
    return next(found, "")


def open_clients() -> ClientPool:
    """Return HTTP clients that are closed when the command ends. Raises `SettingsError`."""
    from bot import wiring

    clients = wiring.clients()
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

    entry, name = registry.FORGES[ref.forge], ref.repo_name
    forge = entry.client(settings, clients)
    try:
        return forge, forge.complete_ref(ref)
    except Moved as error:
        hint = "use the address to which its page in a browser leads"
        raise NotFound(f"{name}: {error}: {hint}") from None
    except NotFound as error:
        lag = error.may_be_lag
        if lag and not entry.has_access(settings):
            hint = f"check its spelling; a private repository needs {entry.token_variable}"
            raise NotFound(f"{name}: {error}: {hint}") from None
        raise NotFound(f"{name}: {error}", may_be_lag=lag) from None


def find_repository(settings: Settings, text: str, parameter: str) -> tuple[ForgeClient, IssueRef]:
    """Return the forge and the reference of the repository that an argument names.

    Raises `BadParameter`, and the errors of a forge.
    """
    given = parse_ref(settings, refs.repository, text, parameter)
    return open_forge(settings, open_clients(), given)


def open_redis(settings: Settings) -> redis.Redis:
    """Return a client that is closed when the command ends."""
    from bot import wiring

    client = wiring.redis_client(settings)
    click.get_current_context().call_on_close(client.close)
    return client


def open_store(settings: Settings, *, is_needed: bool = False) -> RedisStore | NoStore:
    """Return the workers' store, or one that keeps nothing where Redis does not answer.

    Raises `RedisError` then if it `is_needed`.
    """
    import redis

    from bot import wiring

    client = open_redis(settings)
    try:
        client.ping()
    except redis.RedisError:
        if is_needed:
            raise
        click.echo("Redis does not answer: working without its locks and records.", err=True)
        return wiring.no_store()
    return wiring.redis_store(client)


def log_redis_problems(settings: Settings, *, receives_only: bool = False) -> None:
    """Log why this Redis can never work, with the fix; nothing if it does not answer now."""
    from bot.queue import checks

    commands = checks.RECEIVER_COMMANDS if receives_only else checks.WORKER_COMMANDS
    for problem in checks.find_problems(open_redis(settings), commands):
        log.get().error(f"Redis {problem.what}", fix=problem.fix)


def log_start(settings: Settings, *, calls_models: bool) -> None:
    """Log the notices of the settings and, for a part that calls them, the language models."""
    for notice in (*settings.notices, *(settings.model_notices if calls_models else ())):
        log.get().warning(notice)
    if not calls_models:
        return
    if settings.poll_seconds:
        from bot.flow.schedule_polls import describe_delay

        log.get().info("polling", how=describe_delay(settings.poll_seconds))
    for model in (settings.model, *settings.model.fallbacks) if settings.model else ():
        log.get().info("language model", provider=model.provider, model=model.model)


def log_forge_problems(settings: Settings) -> None:
    """Log why a forge cannot be used with these settings, without holding back the start."""
    threading.Thread(target=_log_forge_problems, args=(settings,), daemon=True).start()


def _log_forge_problems(settings: Settings) -> None:
    from bot import wiring
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
