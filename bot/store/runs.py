"""The index of the newest jobs in Redis: a sorted set of ids for all, and one per repository."""

from __future__ import annotations

from typing import Any

import redis
from redis.client import Pipeline

from bot.core import redis_keys
from bot.core.jobs import JobRecord
from bot.core.run_port import MAX_RUNS

MAX_REPOSITORY_RUNS = 1_000
KEEP_SECONDS = 9 * 86_400


class RedisRunIndex:
    """Finds the ids of jobs by the time of their last change. Methods raise `redis.RedisError`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def add(self, pipe: Pipeline, job: JobRecord) -> None:
        """Add a job, or change its time. One of an earlier version has no repository."""
        if not job.repository or job.state == "queued":
            return
        for key, limit in (
            (redis_keys.RUNS, MAX_RUNS),
            (_make_key(job.repository), MAX_REPOSITORY_RUNS),
        ):
            pipe.zadd(key, {job.id: job.at})
            pipe.zremrangebyrank(key, 0, -limit - 1)
            pipe.expire(key, KEEP_SECONDS)

    def list_ids(self, repository: str, since: float, limit: int) -> list[str]:
        """Return the ids of the newest jobs, the newest first; of all repositories for ""."""
        key = _make_key(repository) if repository else redis_keys.RUNS
        found: Any = self._client.zrevrangebyscore(key, "+inf", since, start=0, num=limit)
        return [one.decode() for one in found]


def _make_key(repository: str) -> str:
    return redis_keys.REPOSITORY_RUNS.format(repository=repository)
