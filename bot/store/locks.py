"""Locks in Redis that end soon after their holder died, and never while it lives.

Only the holder of an issue's lock writes its record.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
import redis
from redis.commands.core import Script

from bot.core.errors import LockContended
from bot.core.ports import BUSY_SECONDS
from bot.core.types import Record
from bot.store.bucketed_hash import LATEST, BucketedHash

LOCK_MS = 30_000
RENEW_SECONDS = 5.0
# Made at import, by one thread: msgspec prepares a type when it is first used, and crashes where
# several threads do so at once.
_record = msgspec.json.Decoder(Record)

# KEYS: the lock, spans of records. ARGV: a token, milliseconds, the issue.
TAKE = (
    LATEST
    + """
if not redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) then return false end
return latest(2, ARGV[3]) or ''
"""
)
RENEW = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])
"""
# KEYS: the lock, the present span. ARGV: the token, milliseconds, issue, record, a span's seconds.
WRITE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('pexpire', KEYS[1], ARGV[2])
redis.call('hset', KEYS[2], ARGV[3], ARGV[4])
redis.call('expire', KEYS[2], ARGV[5])
return 1
"""
RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
"""
# As WRITE, but also where nobody has the lock any more; it is given back.
SETTLE = """
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return end
redis.call('del', KEYS[1])
redis.call('hset', KEYS[2], ARGV[3], ARGV[4])
redis.call('expire', KEYS[2], ARGV[5])
"""


class HeldLock:
    """An issue in our hands; implements the `Lock` port."""

    def __init__(self, locks: Locks, issue: str, token: str, record: Record | None) -> None:
        self._locks, self._issue, self._token = locks, issue, token
        self.record = record

    def save(self, record: Record) -> bool:
        return self._locks.write(self._issue, self._token, record)

    def finish(self, record: Record) -> None:
        self._locks.settle(self._issue, self._token, record)


class Locks:
    """The locks of a process, renewed by one thread of its own. `name` is what their keys begin
    with."""

    def __init__(
        self,
        client: redis.Redis,
        name: str,
        records: BucketedHash,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._records = records
        self._clock = clock
        self._take, self._renew, self._write, self._settle, self._release = map(
            client.register_script, (TAKE, RENEW, WRITE, SETTLE, RELEASE)
        )
        self._held: dict[str, str] = {}
        self._guard = threading.Lock()
        self._renewer: threading.Thread | None = None

    @contextmanager
    def hold(self, issue: str) -> Iterator[HeldLock]:
        """Hold the lock of an issue. Raises `LockContended` while somebody else does."""
        token = uuid.uuid4().hex
        keys = [self._key(issue), *self._records.keys(self._clock())]
        found = self._take(keys=keys, args=[token, LOCK_MS, issue])
        if found is None:
            raise LockContended("another worker has this issue", BUSY_SECONDS)
        with self._guard:
            self._held[token] = issue
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_all, daemon=True)
                self._renewer.start()
        try:
            yield HeldLock(self, issue, token, _record.decode(found) if found else None)
        finally:
            if self._let_go(token):
                self._release(keys=[self._key(issue)], args=[token])

    def write(self, issue: str, token: str, record: Record) -> bool:
        """False, and nothing is written, where the lock ended: somebody else may have had it."""
        return bool(self._put(self._write, issue, token, record))

    def settle(self, issue: str, token: str, record: Record) -> None:
        """Write a record unless somebody else has the lock by now, and give it back."""
        self._put(self._settle, issue, token, record)
        self._let_go(token)

    def _put(self, script: Script, issue: str, token: str, record: Record) -> object:
        keys = [self._key(issue), self._records.keys(self._clock())[0]]
        value, seconds = msgspec.json.encode(record), self._records.seconds
        return script(keys=keys, args=[token, LOCK_MS, issue, value, seconds])

    def _let_go(self, token: str) -> bool:
        with self._guard:
            return self._held.pop(token, None) is not None

    def _key(self, issue: str) -> str:
        return f"{self._name}:{issue}"

    def _renew_all(self) -> None:
        """One thread for good: each new one would take a connection of the pool and keep it."""
        pause = threading.Event()
        while True:
            pause.wait(RENEW_SECONDS)
            with self._guard:
                held = dict(self._held)
            for token, issue in held.items():
                with suppress(redis.RedisError):
                    self._renew(keys=[self._key(issue)], args=[token, LOCK_MS])
