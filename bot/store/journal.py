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

# Adds lines to an issue's journal. KEYS[first] are the counters, the spans follow. `seconds` is the
# lifetime of a span, `max` the bytes to keep. From ARGV[confirmed] on come pairs of a write's id
# and the counter to increment, unless an earlier try has confirmed that write.
APPEND = (
    LATEST
    + """
local function append(first, issue, lines, seconds, max, confirmed)
    local before, span = latest(first + 1, issue) or '', KEYS[first + 1]
    for i = confirmed, #ARGV, 2 do
        if not string.find(before, '"id":"' .. ARGV[i] .. '"[^\\n]*"state":"done"') then
            redis.call('hincrby', KEYS[first], ARGV[i + 1], 1)
        end
    end
    local text = before .. lines
    local excess = #text - tonumber(max)
    if excess > 0 then
        text = string.sub(text, (string.find(text, '\\n', excess, true) or 0) + 1)
    end
    redis.call('hset', span, issue, text)
    redis.call('expire', span, seconds)
end
"""
)
# KEYS: those of `append`. ARGV: the issue, then what `make_arguments` returns.
ADD = APPEND + "append(1, ARGV[1], ARGV[2], ARGV[3], ARGV[4], 5)"


class RedisJournal:
    """Implements `Journal`. `clock` returns seconds since the epoch.

    Lines are only added, in one atomic step, so that a worker that lost an issue's lock cannot
    remove the lines of the one that holds it. The same step counts confirmed writes for `/metrics`:
    the counts are right although processes are killed and jobs run again.
    """

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock
        self._texts = BucketedHash(client, redis_keys.JOURNAL, SPAN_SECONDS, SPANS, clock)
        self._add = client.register_script(ADD)

    def append(self, issue: str, writes: Sequence[Write]) -> None:
        self._add(keys=self.keys(), args=[issue, *self.make_arguments(issue, writes)])

    def keys(self) -> list[str]:
        """Return the hashes for a script with `APPEND`."""
        return [redis_keys.COUNTERS, *self._texts.keys()]

    def make_arguments(self, issue: str, writes: Sequence[Write]) -> tuple[bytes | str | int, ...]:
        """Return lines (none for no writes), `seconds`, `max` and the pairs for `APPEND`."""
        now = self._clock()
        lines = b"".join(_encode(replace(one, at=now)) + b"\n" for one in writes)
        kinds = {one.id: one.kind for one in writes if one.state == "done"}
        forge = issue.partition(":")[0]
        pairs: list[bytes | str] = []
        for write_id, kind in kinds.items():
            pairs += write_id, msgspec.json.encode(("writes", forge, kind))
        return lines, self._texts.seconds, MAX_BYTES, *pairs

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
