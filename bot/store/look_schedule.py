"""When issues with suggestions are looked at next; stores no issue text."""

from __future__ import annotations

import msgspec
import redis

from bot.core import redis_keys
from bot.core.suggestion_port import LOOK_AGAIN_SECONDS
from bot.core.types import IssueRef
from bot.store.retry_schedule import TAKE_DUE

_ref = msgspec.json.Decoder(IssueRef)


class RedisLookSchedule:
    """Implements `LookSchedule` for all workers together."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._take_due = client.register_script(TAKE_DUE)

    def schedule(self, ref: IssueRef, due: float) -> None:
        self._client.zadd(redis_keys.LOOKS, {msgspec.json.encode(ref): due})

    def remove(self, ref: IssueRef) -> None:
        self._client.zrem(redis_keys.LOOKS, msgspec.json.encode(ref))

    def take_due(self, now: float) -> IssueRef | None:
        member = self._take_due(keys=[redis_keys.LOOKS], args=[now, now + LOOK_AGAIN_SECONDS])
        return member and _ref.decode(member)
