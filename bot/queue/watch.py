"""Logs that Redis does not answer, once for each outage."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot import log
from bot.queue.enqueue import error_code

EVERY_SECONDS = 2.0
ANSWER_SECONDS = 3.0


class RedisWatch:
    """Asks Redis every few seconds. `effect` says what an outage means, for the log."""

    def __init__(self, url: str, effect: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._effect = effect
        self._clock = clock
        self._due = 0.0
        self._answers: bool | None = None

    def check(self) -> bool:
        """Return whether Redis answers, as last asked; log a change."""
        if self._clock() < self._due:
            return bool(self._answers)
        try:
            self._client.ping()
        except redis.RedisError as error:
            if self._answers is not False:
                event = f"Redis does not answer; {self._effect}. Look at REDIS_URL"
                log.get().error(event, why=error_code(error))
            self._answers = False
        else:
            if self._answers is False:
                log.get().info("Redis answers again")
            self._answers = True
        self._due = self._clock() + EVERY_SECONDS
        return self._answers
