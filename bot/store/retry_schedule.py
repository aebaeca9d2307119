"""The times of the next model calls for issues with labels from rules; stores no issue text."""

from __future__ import annotations

import msgspec
import redis

from bot.core import redis_keys
from bot.core.ports import PROBE_SECONDS
from bot.core.types import IssueRef

LEASE_SECONDS = 600.0  # then an issue is due again unless its job removes or reschedules it
RESUME_SECONDS = LEASE_SECONDS / 2  # the job of an issue that is due later may still run
_ref = msgspec.json.Decoder(IssueRef)

# KEYS: scheduled issues by when they are due. ARGV: now, when the issue is due again.
TAKE_DUE = """
local one = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'limit', 0, 1)[1]
if one then redis.call('zadd', KEYS[1], ARGV[2], one) end
return one
"""
# KEYS: scheduled issues, suspended ones, the probe. ARGV: now, seconds of a probe, due again.
TAKE_PROBE = """
local suspended = redis.call('zrange', KEYS[2], 0, 0)[1]
local one = suspended or redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'limit', 0, 1)[1]
if not one or not redis.call('set', KEYS[3], 1, 'nx', 'ex', ARGV[2]) then return false end
redis.call('zrem', KEYS[2], one)
redis.call('zadd', KEYS[1], ARGV[3], one)
return one
"""
# KEYS: scheduled issues, suspended ones. ARGV: now, until when scheduled issues become due too.
RESUME = """
for _, one in ipairs(redis.call('zrange', KEYS[2], 0, -1)) do
    redis.call('zadd', KEYS[1], ARGV[1], one)
end
redis.call('del', KEYS[2])
for _, one in ipairs(redis.call('zrangebyscore', KEYS[1], ARGV[1], ARGV[2])) do
    redis.call('zadd', KEYS[1], ARGV[1], one)
end
"""
SETS = [redis_keys.SCHEDULED, redis_keys.SUSPENDED]


class RedisRetrySchedule:
    """Implements `RetrySchedule` for all workers together."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._take_due, self._take_probe, self._resume = map(
            client.register_script, (TAKE_DUE, TAKE_PROBE, RESUME)
        )

    def schedule(self, ref: IssueRef, due: float) -> None:
        self._client.zadd(redis_keys.SCHEDULED, {msgspec.json.encode(ref): due})

    def suspend(self, ref: IssueRef, now: float) -> None:
        member = msgspec.json.encode(ref)
        with self._client.pipeline() as pipe:
            pipe.zrem(redis_keys.SCHEDULED, member)
            pipe.zadd(redis_keys.SUSPENDED, {member: now})
            pipe.execute()

    def remove(self, ref: IssueRef) -> None:
        member = msgspec.json.encode(ref)
        with self._client.pipeline() as pipe:
            for key in SETS:
                pipe.zrem(key, member)
            pipe.execute()

    def take_due(self, now: float) -> IssueRef | None:
        member = self._take_due(keys=SETS[:1], args=[now, now + LEASE_SECONDS])
        return member and _ref.decode(member)

    def take_probe(self, now: float) -> IssueRef | None:
        keys = [*SETS, redis_keys.PROBE]
        member = self._take_probe(keys=keys, args=[now, PROBE_SECONDS, now + LEASE_SECONDS])
        return member and _ref.decode(member)

    def resume(self, now: float, *, include_scheduled: bool = False) -> None:
        until = now + RESUME_SECONDS if include_scheduled else now
        self._resume(keys=SETS, args=[now, until])
        if include_scheduled:
            self._client.delete(redis_keys.PROBE)
