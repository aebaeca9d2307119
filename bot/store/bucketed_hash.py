"""Values in hashes that each cover a span of time and expire as a whole.

Many values share few keys, because Dramatiq runs KEYS when it finds a dead worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import redis
from redis.client import Pipeline

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
# KEYS: spans. ARGV: fields.
GET = (
    LATEST
    + """
local values = {}
for i, field in ipairs(ARGV) do values[i] = latest(1, field) end
return values
"""
)
# KEYS: spans. ARGV: the field, its new value, lifetime of a span in seconds.
PUT = (
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

    `key` is a template from `core/redis_keys.py`; `clock` returns seconds since the epoch.
    """

    def __init__(
        self,
        client: redis.Redis,
        key: str,
        span: int,
        spans: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._key, self._span, self._spans, self._clock = key, span, spans, clock
        self._get, self._put = client.register_script(GET), client.register_script(PUT)
        self.seconds = (spans + 1) * span  # lifetime of a hash after its last value

    def keys(self) -> list[str]:
        """Return the hashes that may hold a value; the first one gets new values."""
        latest = int(self._clock() // self._span)
        return [self._key.format(span=span) for span in range(latest, latest - self._spans, -1)]

    def get(self, field: str) -> bytes | None:
        """Return the latest value of a field, None without one."""
        return self.get_many([field])[0]

    def get_many(self, fields: Sequence[str]) -> list[bytes | None]:
        """Return the latest value of each field, None for one without."""
        values: list[bytes | None] = self._get(keys=self.keys(), args=fields)
        return values

    def scan(self, prefix: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield each field that begins with the prefix and a colon, with its latest value."""
        seen: set[bytes] = set()
        for key in self.keys():
            for field, value in self._client.hscan_iter(key, f"{_escape(prefix)}:*", 1000):
                if field not in seen:
                    seen.add(field)
                    yield field, value

    def put(self, field: str, value: bytes) -> bytes | None:
        """Store a value, and return the previous one."""
        args: list[str | bytes | int] = [field, value, self.seconds]
        before: bytes | None = self._put(keys=self.keys(), args=args)
        return before

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Store the value of each field."""
        with self._client.pipeline(transaction=False) as pipe:
            self.add_to(pipe, values)
            pipe.execute()

    def add_to(self, pipe: Pipeline, values: Mapping[str, bytes]) -> None:
        """Store the value of each field with the other commands of a pipeline."""
        key = self.keys()[0]
        for field, value in values.items():
            pipe.hset(key, field, value)
        pipe.expire(key, self.seconds)


def _escape(text: str) -> str:
    """Return a pattern of Redis that matches this text alone."""
    return "".join(f"\\{char}" if char in "*?[]\\^" else char for char in text)
