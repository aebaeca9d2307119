"""The state of reconciliation in Redis: repositories, leases, attempts per day."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec
import redis

from bot.core import redis_keys
from bot.core.types import IssueRef

DAY = 86_400
_repository = msgspec.json.Decoder(IssueRef)


class RedisReconcileState:
    """Implements `ReconcileState` for all workers together."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock

    def lease(self, name: str, seconds: float) -> bool:
        key = redis_keys.LEASE.format(name=name)
        return bool(self._client.set(key, 1, nx=True, ex=int(seconds)))

    def release(self, name: str) -> None:
        self._client.delete(redis_keys.LEASE.format(name=name))

    def repositories(self) -> tuple[IssueRef, ...]:
        return tuple(map(_repository.decode, self._client.hvals(redis_keys.REPOSITORIES)))

    def save_repositories(self, repositories: Collection[IssueRef]) -> None:
        rows: dict[Any, bytes] = {
            ref.repo_account_key: msgspec.json.encode(ref) for ref in repositories
        }
        self._client.hset(redis_keys.REPOSITORIES, mapping=rows)

    def forget_repository(self, repository: IssueRef) -> None:
        self._client.hdel(redis_keys.REPOSITORIES, repository.repo_account_key)

    def attempts_today(self, key: str) -> int:
        today = redis_keys.ATTEMPTS.format(day=int(self._clock() // DAY))
        with self._client.pipeline() as pipe:
            pipe.hincrby(today, key, 1)
            pipe.expire(today, 2 * DAY)
            return int(pipe.execute()[0])
