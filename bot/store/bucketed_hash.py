"""Values in hashes that each cover a span of time and expire as a whole.

Many values share few keys, because Dramatiq runs KEYS when it finds a dead worker.
"""

from __future__ import annotations

import redis

# Finds a field in the spans from KEYS[first] on; the latest span comes first.
LATEST = """
local function latest(first, field)
    for i = first, #KEYS do
        local value = redis.call('hget', KEYS[i], field)
        if value then return value end
    end
    return false
end
"""
# KEYS: spans. ARGV: the field.
GET = LATEST + "return latest(1, ARGV[1])"
# KEYS: spans. ARGV: the field, its new value, lifetime of a span in seconds.
SWAP = (
    LATEST
    + """
local before = latest(1, ARGV[1])
redis.call('hset', KEYS[1], ARGV[1], ARGV[2])
redis.call('expire', KEYS[1], ARGV[3])
return before
"""
)


class BucketedHash:
    """Keeps each value for at least `spans - 1` spans of `span` seconds.

    `key` is a template from `core/redis_keys.py`; `now` is in seconds since the epoch.
    """

    def __init__(self, client: redis.Redis, key: str, span: int, spans: int) -> None:
        self._client, self._key, self._span, self._spans = client, key, span, spans
        self._get, self._swap = client.register_script(GET), client.register_script(SWAP)

    @property
    def seconds(self) -> int:
        """Return the lifetime of a span after its last value, in seconds."""
        return (self._spans + 1) * self._span

    def keys(self, now: float) -> list[str]:
        """Return the hashes that may hold a value; the first one gets new values."""
        latest = int(now // self._span)
        return [self._key.format(span=span) for span in range(latest, latest - self._spans, -1)]

    def get(self, field: str, now: float) -> bytes | None:
        """Return the latest value of a field, None without one."""
        value: bytes | None = self._get(keys=self.keys(now), args=[field])
        return value

    def put(self, field: str, value: bytes, now: float) -> None:
        """Store a value in the current span."""
        key = self.keys(now)[0]
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hset(key, field, value)
            pipe.expire(key, self.seconds)
            pipe.execute()

    def swap(self, field: str, value: bytes, now: float) -> bytes | None:
        """Store a value, and return the previous one."""
        args: list[str | bytes | int] = [field, value, self.seconds]
        before: bytes | None = self._swap(keys=self.keys(now), args=args)
        return before
