"""`tagline worker`: works off the queue until it is told to stop."""

from __future__ import annotations

import click

from bot.cli import bootstrap
from bot.settings.load import SettingsError


@click.command()
def worker() -> None:
    """Take jobs from Redis, ask the model, write comments and labels."""
    from bot.cli.signals import StopSignal, seconds_for_jobs

    stop = StopSignal()
    from bot import log, wiring

    settings = bootstrap.settings()
    bootstrap.announce(settings)
    try:
        made = wiring.worker(settings)
    except SettingsError as error:
        bootstrap.refuse(error)
    made.start()
    log.get().info("worker started", threads=settings.worker_threads)
    stop.wait()
    made.stop(seconds_for_jobs(settings))
    log.get().info("worker stopped")
