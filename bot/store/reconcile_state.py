"""What the sweep remembers in Redis: which repositories there are, what was looked after today."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec
import redis

from bot.core.ports import Store
from bot.core.types import IssueRef, Record

DAY = 86_400
REPOSITORIES = "places"
_repository = msgspec.json.Decoder(IssueRef)


class RedisReconcileState:
    """Implements the `Ledger` port for all workers together; records are the store's."""

    def __init__(
        self,
        client: redis.Redis,
        namespace: str,
        store: Store,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._name = namespace
        self._places = f"{namespace}:{REPOSITORIES}"
        self._store = store
        self._clock = clock

    def lease(self, name: str, seconds: float) -> bool:
        return bool(self._client.set(f"{self._name}:lease:{name}", 1, nx=True, ex=int(seconds)))

    def repositories(self) -> tuple[IssueRef, ...]:
        found = self._client.hvals(self._places)
        return tuple(_repository.decode(place) for place in found)

    def save_repositories(self, places: Collection[IssueRef]) -> None:
        rows: dict[Any, bytes] = {place.place_key: msgspec.json.encode(place) for place in places}
        self._client.hset(self._places, mapping=rows)

    def forget_repository(self, place: IssueRef) -> None:
        self._client.hdel(self._places, place.place_key)

    def attempts_today(self, key: str) -> int:
        today = f"{self._name}:swept:{int(self._clock() // DAY)}"
        with self._client.pipeline() as pipe:
            pipe.hincrby(today, key, 1)
            pipe.expire(today, 2 * DAY)
            return int(pipe.execute()[0])

    def record(self, key: str) -> Record | None:
        return self._store.record(key)
