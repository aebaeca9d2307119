"""`tagline worker`: works off the queue until it is told to stop."""

from __future__ import annotations

import click

from bot.cli import start
from bot.settings import SettingsError


@click.command()
def worker() -> None:
    """Take jobs from Redis, ask the model, write comments and labels."""
    from bot.cli.stopping import Stop, seconds_for_jobs

    stop = Stop()
    from bot import log, wiring

    settings = start.settings()
    start.announce(settings)
    try:
        made = wiring.worker(settings)
    except SettingsError as error:
        start.refuse(error)
    made.start()
    log.get().info("worker started", threads=settings.worker_threads)
    stop.wait()
    made.stop(seconds_for_jobs(settings))
    log.get().info("worker stopped")
