"""What happened on each day, counted in one Redis hash per day: numbers of all repositories."""

from __future__ import annotations

from typing import Any

import redis
from redis.client import Pipeline

from bot.core import redis_keys
from bot.core.day_figures import DAY, DayFigures, count_job, find_day_start, read_counts
from bot.core.jobs import JobRecord

KEEP_SECONDS = 40 * DAY


class RedisDayCounts:
    """Implements `DayHistory`. Methods raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def add(self, pipe: Pipeline, job: JobRecord) -> None:
        """Count a job that has ended, on the day of its end."""
        if not (counts := count_job(job)):
            return
        key = _make_key(int(job.at))
        for name, number in counts.items():
            pipe.hincrby(key, name, number)
        pipe.expire(key, KEEP_SECONDS)

    def list_days(self, since: int, number: int) -> tuple[DayFigures, ...]:
        days = [find_day_start(since) + n * DAY for n in range(number)]
        with self._client.pipeline(transaction=False) as pipe:
            for day in days:
                pipe.hgetall(_make_key(day))
            found: Any = pipe.execute()
        return tuple(
            read_counts(day, {name.decode(): int(count) for name, count in counts.items()})
            for day, counts in zip(days, found, strict=True)
        )


def _make_key(at: int) -> str:
    return redis_keys.DAY_COUNTS.format(day=at // DAY)
