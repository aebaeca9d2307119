"""What people did with labels and with older issues in comments, in Redis: a sorted set per
repository each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Generic, TypeVar

import msgspec
import redis

from bot.core import redis_keys
from bot.core.corrections import Correction
from bot.core.related import RelatedVerdict

MAX_CORRECTIONS, MAX_RELATED_VERDICTS = 1000, 200
KEEP_SECONDS = 400 * 86_400
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_correction = msgspec.json.Decoder(Correction)
_related_verdict = msgspec.json.Decoder(RelatedVerdict)
T = TypeVar("T", Correction, RelatedVerdict)


class _Newest(Generic[T]):
    """The newest `most` values of each repository, by their time; `key` is its name in Redis."""

    def __init__(
        self, client: redis.Redis, key: str, decoder: msgspec.json.Decoder[T], most: int
    ) -> None:
        self._client, self._key, self._most = client, key, most
        self._decoder: msgspec.json.Decoder[T] = decoder

    def add(self, repo_key: str, values: Collection[T]) -> None:
        if not values:
            return
        key = self._key.format(repository=repo_key)
        with self._client.pipeline() as pipe:
            pipe.zadd(key, {msgspec.json.encode(one): one.at for one in values})
            pipe.zremrangebyrank(key, 0, -self._most - 1)
            pipe.expire(key, KEEP_SECONDS)
            pipe.execute()

    def list(self, repo_key: str) -> tuple[T, ...]:
        members: Any = self._client.zrange(self._key.format(repository=repo_key), 0, -1)
        return tuple(map(self._decoder.decode, members))


class RedisCorrections(_Newest[Correction]):
    """Implements `CorrectionStore`."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client, redis_keys.CORRECTIONS, _correction, MAX_CORRECTIONS)

    def is_limit_reported(self, repo_key: str, period: str) -> bool:
        return bool(self._client.hexists(redis_keys.REPORTED_LIMITS, f"{repo_key} {period}"))

    def report_limit(self, repo_key: str, period: str) -> bool:
        with self._client.pipeline() as pipe:
            pipe.hset(redis_keys.REPORTED_LIMITS, f"{repo_key} {period}", 1)
            pipe.expire(redis_keys.REPORTED_LIMITS, KEEP_SECONDS)
            return bool(pipe.execute()[0])


class RedisRelatedVerdicts(_Newest[RelatedVerdict]):
    """Implements `RelatedVerdicts`."""

    def __init__(self, client: redis.Redis) -> None:
        key = redis_keys.RELATED_VERDICTS
        super().__init__(client, key, _related_verdict, MAX_RELATED_VERDICTS)
