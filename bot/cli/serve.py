"""`tagline serve`: the receiver."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress

import click

from bot.cli import start
from bot.settings import SettingsError

FAILED = 1


@click.command()
def serve() -> None:
    """Receive webhooks at /webhooks/github and /webhooks/gitlab, and queue them in Redis."""
    from bot import log, wiring
    from bot.web.server import Server

    settings = start.settings()
    start.announce(settings)
    try:
        app = wiring.receiver(settings)
    except SettingsError as error:
        start.refuse(error)
    log.get().info("receiver starts", host=settings.host, port=settings.port)
    gc.freeze()  # what was loaded at the start is never garbage
    server = Server(app, settings.host, settings.port)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(FAILED)
