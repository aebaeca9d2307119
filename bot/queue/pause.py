"""The mark in Redis with which the admin page pauses all workers until it is removed."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from bot.core import redis_keys

CHECK_SECONDS = 1.0


class PauseSwitch:
    """Methods raise `redis.RedisError`. `clock` returns seconds."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._is_on, self._next_check = False, clock()

    def is_on(self) -> bool:
        """Return whether the workers are paused, as it was a second ago at most."""
        if self._clock() >= self._next_check:
            self._is_on = self.read()
            self._next_check = self._clock() + CHECK_SECONDS
        return self._is_on

    def read(self) -> bool:
        """Return whether the workers are paused, as it is now."""
        return bool(self._client.exists(redis_keys.PAUSE_ALL))

    def set(self) -> None:
        self._client.set(redis_keys.PAUSE_ALL, 1)

    def clear(self) -> None:
        """Remove the mark. A worker that TAGLINE_PAUSE pauses reports that again by itself."""
        self._client.delete(redis_keys.PAUSE_ALL, redis_keys.PAUSED)
