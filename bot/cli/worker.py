"""`tagline worker`: works off the queue until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

import click

from bot.cli import start
from bot.settings import SettingsError

GRACE_SECONDS = 5.0
WITHOUT_MODEL_SECONDS = 15.0


@click.command()
def worker() -> None:
    """Take jobs from Redis, ask the model, write comments and labels."""
    from bot import log, wiring

    settings = start.settings()
    start.announce(settings)
    try:
        made = wiring.worker(settings)
    except SettingsError as error:
        start.refuse(error)
    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if told.is_set():
            os._exit(1)  # a second signal: jobs are redone, nothing is lost
        told.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    made.start()
    log.get().info("worker started", threads=settings.worker_threads)
    told.wait()
    seconds = settings.model.timeout if settings.model else WITHOUT_MODEL_SECONDS
    made.stop(seconds + GRACE_SECONDS)
    log.get().info("worker stopped")
