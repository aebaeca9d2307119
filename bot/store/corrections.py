"""What people did with labels, in Redis: a sorted set per repository."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import redis

from bot.core import redis_keys
from bot.core.corrections import Correction

MAX_CORRECTIONS = 1000
KEEP_SECONDS = 400 * 86_400
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_correction = msgspec.json.Decoder(Correction)


class RedisCorrections:
    """Implements `CorrectionStore`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def add(self, repo_key: str, corrections: Collection[Correction]) -> None:
        if not corrections:
            return
        key = redis_keys.CORRECTIONS.format(repository=repo_key)
        with self._client.pipeline() as pipe:
            pipe.zadd(key, {msgspec.json.encode(one): one.at for one in corrections})
            pipe.zremrangebyrank(key, 0, -MAX_CORRECTIONS - 1)
            pipe.expire(key, KEEP_SECONDS)
            pipe.execute()

    def list(self, repo_key: str) -> tuple[Correction, ...]:
        key = redis_keys.CORRECTIONS.format(repository=repo_key)
        members: Any = self._client.zrange(key, 0, -1)
        return tuple(map(_correction.decode, members))
