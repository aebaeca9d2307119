"""How far repositories were polled, and the issues that were seen then, in Redis."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import redis

from bot.core import redis_keys
from bot.core.polling import Cursor, Snapshot
from bot.store.bucketed_hash import BucketedHash

# As the records of issues, which tell what the bot did there.
SPAN_SECONDS, SPANS = 6 * 86_400, 6
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_cursor, _snapshot = msgspec.json.Decoder(Cursor), msgspec.json.Decoder(Snapshot)


class RedisPollState:
    """Implements `PollState` for all workers together. `clock` is in seconds since the epoch."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        span = SPAN_SECONDS, SPANS, clock
        self._cursors = BucketedHash(client, redis_keys.POLL_CURSORS, *span)
        self._snapshots = BucketedHash(client, redis_keys.POLL_SNAPSHOTS, *span)

    def cursor(self, repo_key: str) -> Cursor | None:
        value = self._cursors.get(repo_key)
        return _cursor.decode(value) if value else None

    def save_cursor(self, repo_key: str, cursor: Cursor) -> None:
        self._cursors.put(repo_key, msgspec.json.encode(cursor))

    def snapshot(self, issue: str) -> Snapshot | None:
        value = self._snapshots.get(issue)
        return _snapshot.decode(value) if value else None

    def save_snapshot(self, issue: str, snapshot: Snapshot) -> None:
        self._snapshots.put(issue, msgspec.json.encode(snapshot))
