"""Where issues that fell back wait for a model. Members are references: ids, never a text."""

from __future__ import annotations

import threading

import msgspec
import redis

from bot.core.ports import PROBE_SECONDS
from bot.core.types import IssueRef

TAKEN_SECONDS = 600.0  # a job that was lost is sent again after it
NOT_TAKEN_SECONDS = TAKEN_SECONDS / 2  # an issue that waits for longer has a job running
_ref = msgspec.json.Decoder(IssueRef)

# KEYS: those that wait, by when they are due. ARGV: now, when it comes again.
TAKE = """
local one = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'limit', 0, 1)[1]
if one then redis.call('zadd', KEYS[1], ARGV[2], one) end
return one
"""
# KEYS: those that wait, the parked ones, the minute's probe. ARGV: now, seconds of a probe, again.
PROBE = """
local parked = redis.call('zrange', KEYS[2], 0, 0)[1]
local one = parked or redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'limit', 0, 1)[1]
if not one or not redis.call('set', KEYS[3], 1, 'nx', 'ex', ARGV[2]) then return false end
redis.call('zrem', KEYS[2], one)
redis.call('zadd', KEYS[1], ARGV[3], one)
return one
"""
# KEYS: those that wait, the parked ones. ARGV: now, and until when waiting issues become due too.
UNPARK = """
for _, one in ipairs(redis.call('zrange', KEYS[2], 0, -1)) do
    redis.call('zadd', KEYS[1], ARGV[1], one)
end
redis.call('del', KEYS[2])
for _, one in ipairs(redis.call('zrangebyscore', KEYS[1], ARGV[1], ARGV[2])) do
    redis.call('zadd', KEYS[1], ARGV[1], one)
end
"""


class RedisRetrySchedule:
    """Implements the `Room` port for all workers together."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._client = client
        self._waiting, self._parked = f"{namespace}:waiting", f"{namespace}:parked"
        self._probe = f"{namespace}:probe"
        self._take = client.register_script(TAKE)
        self._take_probe = client.register_script(PROBE)
        self._unpark = client.register_script(UNPARK)

    def schedule(self, ref: IssueRef, due: float) -> None:
        self._client.zadd(self._waiting, {_member(ref): due})

    def suspend(self, ref: IssueRef, now: float) -> None:
        member = _member(ref)
        with self._client.pipeline() as pipe:
            pipe.zrem(self._waiting, member)
            pipe.zadd(self._parked, {member: now})
            pipe.execute()

    def remove(self, ref: IssueRef) -> None:
        member = _member(ref)
        with self._client.pipeline() as pipe:
            pipe.zrem(self._waiting, member)
            pipe.zrem(self._parked, member)
            pipe.execute()

    def take_due(self, now: float) -> IssueRef | None:
        found = self._take(keys=[self._waiting], args=[now, now + TAKEN_SECONDS])
        return found and _ref.decode(found)

    def take_probe(self, now: float) -> IssueRef | None:
        keys = [self._waiting, self._parked, self._probe]
        found = self._take_probe(keys=keys, args=[now, PROBE_SECONDS, now + TAKEN_SECONDS])
        return found and _ref.decode(found)

    def resume(self, now: float, *, everybody: bool = False) -> None:
        until = now + NOT_TAKEN_SECONDS if everybody else now
        self._unpark(keys=[self._waiting, self._parked], args=[now, until])
        if everybody:
            self._client.delete(self._probe)


class MemoryRetrySchedule:
    """Implements the `Room` port for one process."""

    def __init__(self) -> None:
        self._waiting: dict[IssueRef, float] = {}
        self._parked: dict[IssueRef, float] = {}
        self._next_probe = 0.0
        self._lock = threading.Lock()

    def schedule(self, ref: IssueRef, due: float) -> None:
        with self._lock:
            self._waiting[ref] = due

    def suspend(self, ref: IssueRef, now: float) -> None:
        with self._lock:
            self._waiting.pop(ref, None)
            self._parked[ref] = now

    def remove(self, ref: IssueRef) -> None:
        with self._lock:
            self._waiting.pop(ref, None)
            self._parked.pop(ref, None)

    def take_due(self, now: float) -> IssueRef | None:
        with self._lock:
            due = [(at, ref.key, ref) for ref, at in self._waiting.items() if at <= now]
            if not due:
                return None
            _, _, one = min(due)
            self._waiting[one] = now + TAKEN_SECONDS
        return one

    def take_probe(self, now: float) -> IssueRef | None:
        with self._lock:
            due = {ref: at for ref, at in self._waiting.items() if at <= now}
            ready = self._parked or due
            if not ready or now < self._next_probe:
                return None
            self._next_probe = now + PROBE_SECONDS
            one = min(ready, key=lambda ref: ready[ref])
            self._parked.pop(one, None)
            self._waiting[one] = now + TAKEN_SECONDS
        return one

    def resume(self, now: float, *, everybody: bool = False) -> None:
        with self._lock:
            self._waiting |= dict.fromkeys(self._parked, now)
            self._parked.clear()
            if everybody:
                until = now + NOT_TAKEN_SECONDS
                self._waiting = {
                    r: min(at, now) if at <= until else at for r, at in self._waiting.items()
                }
                self._next_probe = 0.0


def _member(ref: IssueRef) -> bytes:
    return msgspec.json.encode(ref)
