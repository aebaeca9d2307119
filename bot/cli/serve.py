"""`tagline serve`: the receiver."""

from __future__ import annotations

import gc
import socket
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

import click

from bot import log
from bot.cli import bootstrap
from bot.cli.bootstrap import AddressUnavailable
from bot.cli.signals import StopSignal
from bot.settings.load import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette
CHECK_SECONDS = 0.5
DELIVERIES_WAIT = "deliveries are answered with 503, and their issues are found when it answers"
STOP_SECONDS = 15  # uvicorn waits ten seconds for running requests


@click.command()
def serve() -> None:
    """Receive webhooks at /webhooks/github and /webhooks/gitlab, and queue them in Redis."""
    stop = StopSignal()
    from bot.queue.watch import RedisWatch

    settings = bootstrap.load_service_settings(receives=True)
    receiver = Receiver(settings)
    bootstrap.log_redis_problems(settings, receives_only=True)
    gc.freeze()  # objects loaded at the start are never garbage
    with receiver:
        log.get().info("receiver starts", host=settings.host, port=receiver.port)
        watch = RedisWatch(settings.redis_url, DELIVERIES_WAIT)
        while receiver.alive and not stop.wait(CHECK_SECONDS):
            watch.check()
        if not receiver.alive:
            raise SystemExit(1)


class Receiver:
    """uvicorn in a separate thread, because in the main thread it would handle the signals.

    A context manager: at its end it accepts no more requests and waits for the running ones.
    """

    def __init__(self, settings: Settings, app: Starlette | None = None) -> None:
        """Serve `app`, or the one of the settings.

        Raises `SettingsError` and `AddressUnavailable`.
        """
        from bot import wiring
        from bot.web.server import Server

        app, proxies = app or wiring.receiver(settings), settings.trusted_proxies
        for notice in settings.receiver_notices:
            log.get().warning(notice)
        self._server = Server(app, settings.host, settings.port, proxies)
        self._socket = _listen(settings.host, settings.port)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.daemon = True
        self.port: int = self._socket.getsockname()[1]

    @property
    def alive(self) -> bool:
        """Return whether the receiver's thread runs."""
        return self._thread.is_alive()

    def __enter__(self) -> Receiver:
        self._thread.start()
        while self.alive and not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # the rest repeats the address
        raise AddressUnavailable(
            f"cannot listen on {host}:{port} ({reason}); look at TAGLINE_HOST and PORT."
        ) from None
