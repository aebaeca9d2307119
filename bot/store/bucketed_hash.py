"""Values in hashes that each cover a span of time and expire as a whole: few keys for many values.

Few, because Dramatiq looks through all keys after a crash.
"""

from __future__ import annotations

import redis

# Finds a field in the spans from KEYS[first] on, of which the latest comes first.
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
# KEYS: spans. ARGV: the field, its new value, seconds that a span lives.
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
    """Values are kept for at least `spans - 1` spans of so many seconds. `now` is in seconds."""

    def __init__(self, client: redis.Redis, name: str, span: int, spans: int) -> None:
        self._client, self._name, self._span, self._spans = client, name, span, spans
        self._get, self._swap = client.register_script(GET), client.register_script(SWAP)

    @property
    def seconds(self) -> int:
        """How long a span lives after its last value."""
        return (self._spans + 1) * self._span

    def keys(self, now: float) -> list[str]:
        """The hashes in which a value may be, the latest first; new ones belong there."""
        latest = int(now // self._span)
        return [f"{self._name}:{span}" for span in range(latest, latest - self._spans, -1)]

    def get(self, field: str, now: float) -> bytes | None:
        found: bytes | None = self._get(keys=self.keys(now), args=[field])
        return found

    def put(self, field: str, value: bytes, now: float) -> None:
        key = self.keys(now)[0]
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hset(key, field, value)
            pipe.expire(key, self.seconds)
            pipe.execute()

    def swap(self, field: str, value: bytes, now: float) -> bytes | None:
        """Put a value, and give the one before it."""
        args: list[str | bytes | int] = [field, value, self.seconds]
        before: bytes | None = self._swap(keys=self.keys(now), args=args)
        return before
