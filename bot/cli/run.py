"""`tagline run`: receiver, worker and a private Redis in one supervised process, for one host."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from bot.cli import bootstrap
from bot.settings.load import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.cli.serve import Receiver
    from bot.cli.signals import StopSignal
    from bot.embedded.valkey import EmbeddedRedis
    from bot.settings.load import Settings

LOOK_SECONDS = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
CALM_SECONDS = 60.0


@click.command()
def run() -> None:
    """Receive webhooks and work them off, with a private Redis (or the one of REDIS_URL).

    The private one keeps its data in DATA_DIR; every other command finds it there. SIGTERM lets
    running jobs finish; a second one ends at once, and the jobs are done after the next start.
    """
    from bot.cli.signals import StopSignal

    stop = StopSignal()
    from bot.cli.serve import NoAddress
    from bot.embedded.valkey import ServerUnavailable

    settings = bootstrap.settings()
    bootstrap.announce(settings)
    if missing := bootstrap.unmet(settings):
        bootstrap.refuse(SettingsError(missing))
    try:
        with ExitStack() as parts:  # ended in reverse: receiver, worker, Redis
            _run(settings, parts, stop)
    except SettingsError as error:
        bootstrap.refuse(error)
    except (ServerUnavailable, NoAddress) as error:
        click.echo(f"Tagline cannot start: {error}", err=True)
        sys.exit(1)


def _run(settings: Settings, parts: ExitStack, stop: StopSignal) -> None:
    from bot import log, wiring
    from bot.cli.serve import Receiver
    from bot.cli.signals import seconds_for_jobs

    server = None if settings.has_redis_url else _launch(settings, parts)
    if server:
        stop.at_once = server.terminate
        settings = replace(settings, redis_url=server.url)
    receiver = Receiver(settings)
    worker = wiring.worker(settings, alone=server is not None)
    gc.freeze()  # what was loaded at the start is never garbage
    if server:
        server.wait()
    worker.start()
    parts.callback(lambda: worker.stop(seconds_for_jobs(settings)))
    parts.enter_context(receiver)
    threads = settings.worker_threads
    log.get().info("ready", host=settings.host, port=receiver.port, threads=threads)
    parts.callback(lambda: log.get().info("stopping; running jobs finish first"))
    if not _watch(stop, receiver, server):
        sys.exit(1)


def _launch(settings: Settings, parts: ExitStack) -> EmbeddedRedis:
    """The server reads its data while we load the rest."""
    from bot.embedded.valkey import EmbeddedRedis, lock_data_dir

    parts.enter_context(lock_data_dir(settings.data_dir))
    server = EmbeddedRedis(settings.data_dir)
    server.launch()
    parts.callback(server.stop)
    return server


def _watch(stop: StopSignal, receiver: Receiver, server: EmbeddedRedis | None) -> bool:
    """Returns True when told to stop, False where the receiver ended by itself."""
    keeper = _Keeper(server) if server else None
    while not stop.wait(LOOK_SECONDS):
        if not receiver.alive:
            return False
        if keeper:
            keeper.look()
    return True


class _Keeper:
    """Starts a server that died again, and one that keeps dying less and less often."""

    def __init__(self, server: EmbeddedRedis, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._started = clock()

    def look(self) -> None:
        from bot import log
        from bot.embedded.valkey import ServerUnavailable

        since = self._clock() - self._started
        if self._server.alive:
            self._pause = FIRST_PAUSE if since > CALM_SECONDS else self._pause
            return
        if since < self._pause:
            return
        log.get().error("the private Redis ended; it is started again")
        try:
            self._server.start()
        except ServerUnavailable as error:
            log.get().error("the private Redis does not start", why=str(error))
        self._started = self._clock()
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
