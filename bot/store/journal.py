"""The journal in Redis: a text per issue, to which each write adds one line of JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields, replace

import msgspec
import redis

from bot.core import redis_keys
from bot.core.journal import Write, merge_states
from bot.store.bucketed_hash import LATEST, BucketedHash

SPAN_SECONDS, SPANS = 6 * 86_400, 6
MAX_BYTES = 16_384  # of an issue, some hundred writes
DEFAULTS = {field.name: field.default for field in fields(Write)}
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
_write = msgspec.json.Decoder(Write)

# Adds lines to an issue's journal; its spans are the KEYS from `first` on. `seconds` is the
# lifetime of a span, `max` the bytes to keep.
APPEND = (
    LATEST
    + """
local function append(first, issue, lines, seconds, max)
    local text = (latest(first, issue) or '') .. lines
    local excess = #text - tonumber(max)
    if excess > 0 then
        text = string.sub(text, (string.find(text, '\\n', excess, true) or 0) + 1)
    end
    redis.call('hset', KEYS[first], issue, text)
    redis.call('expire', KEYS[first], seconds)
end
"""
)
# KEYS: spans. ARGV: the issue, then the last three arguments of `append`.
ADD = APPEND + "append(1, ARGV[1], ARGV[2], ARGV[3], ARGV[4])"


class RedisJournal:
    """Implements `Journal`. `clock` returns seconds since the epoch.

    Lines are only added, in one atomic step, so that a worker that lost an issue's lock cannot
    remove the lines of the one that holds it.
    """

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock
        self._texts = BucketedHash(client, redis_keys.JOURNAL, SPAN_SECONDS, SPANS, clock)
        self._add = client.register_script(ADD)

    def append(self, issue: str, writes: Sequence[Write]) -> None:
        self._add(keys=self._texts.keys(), args=[issue, *self.make_arguments(writes)])

    def keys(self) -> list[str]:
        """Return the hashes for a script with `APPEND`, which adds lines to the first one."""
        return self._texts.keys()

    def make_arguments(self, writes: Sequence[Write]) -> tuple[bytes, int, int]:
        """Return the last three arguments of `APPEND`; no lines for no writes."""
        now = self._clock()
        lines = b"".join(_encode(replace(one, at=now)) + b"\n" for one in writes)
        return lines, self._texts.seconds, MAX_BYTES

    def list_writes(self, issue: str) -> tuple[Write, ...]:
        return _decode(self._texts.get(issue) or b"")

    def list_repository(self, repo_key: str) -> Iterator[tuple[int, tuple[Write, ...]]]:
        for issue, text in self._texts.scan(repo_key):
            yield int(issue.rpartition(b":")[2]), _decode(text)


def _encode(write: Write) -> bytes:
    """Return a write without its default values: many issues have a journal."""
    return msgspec.json.encode({k: v for k, v in asdict(write).items() if v != DEFAULTS[k]})


def _decode(text: bytes) -> tuple[Write, ...]:
    return merge_states(map(_write.decode, text.splitlines()))
