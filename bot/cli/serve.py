"""`tagline serve`: the receiver."""

from __future__ import annotations

import gc

import click

from bot.cli import start
from bot.settings import SettingsError


@click.command()
def serve() -> None:
    """Receive webhooks at /webhooks/github and /webhooks/gitlab, and queue them in Redis."""
    import uvicorn

    from bot import log, wiring

    settings = start.settings()
    start.announce(settings)
    try:
        app = wiring.receiver(settings)
    except SettingsError as error:
        start.refuse(error)
    log.get().info("receiver starts", host=settings.host, port=settings.port)
    gc.freeze()  # what was loaded at the start is never garbage
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
