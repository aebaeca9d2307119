"""Restarts the private Redis of `tagline run`."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot import log
from bot.embedded.valkey import EmbeddedRedis, ServerUnavailable

MIN_PAUSE, MAX_PAUSE = 0.5, 30.0  # seconds between two starts
STABLE_SECONDS = 60.0  # of uptime, after which the pause is the shortest again


class RedisSupervisor:
    """Restarts a server that has ended, with longer pauses if it ends again and again."""

    def __init__(self, server: EmbeddedRedis, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._pause = MIN_PAUSE
        self._started_at = clock()

    def check(self) -> None:
        """Restart the server if it has ended and the pause is over."""
        uptime = self._clock() - self._started_at
        if self._server.alive:
            self._pause = MIN_PAUSE if uptime > STABLE_SECONDS else self._pause
            return
        if uptime < self._pause:
            return
        log.get().error("the private Redis ended; it is restarted")
        try:
            self._server.start()
        except ServerUnavailable as error:
            log.get().error("the private Redis does not start", why=str(error))
        self._started_at = self._clock()
        self._pause = min(self._pause * 2, MAX_PAUSE)
