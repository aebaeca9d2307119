"""Locks in Redis, which a worker renews while it runs, and which expire soon after it ends.

Only the holder of an issue's lock writes its record. What it writes to the issue is added to the
journal in the same step.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import msgspec
import redis
from redis.commands.core import Script

from bot.core import redis_keys
from bot.core.errors import LockContended
from bot.core.journal import Write
from bot.core.types import Record
from bot.store.bucketed_hash import LATEST, BucketedHash
from bot.store.journal import APPEND, RedisJournal

LOCK_MS = 30_000
RENEW_SECONDS = 5.0
BUSY_SECONDS = 5.0  # until a job tries a lock again that another worker holds
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
record_decoder = msgspec.json.Decoder(Record)

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
# KEYS: the lock, the latest span of records, those of `append`. ARGV: the token, milliseconds,
# issue, record, seconds of a span of records, then the arguments of `append`.
PUT = (
    APPEND
    + """
local function put()
    redis.call('hset', KEYS[2], ARGV[3], ARGV[4])
    redis.call('expire', KEYS[2], ARGV[5])
    if ARGV[6] ~= '' then append(3, ARGV[3], ARGV[6], ARGV[7], ARGV[8], 9) end
end
"""
)
WRITE = (
    PUT
    + """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('pexpire', KEYS[1], ARGV[2])
put()
return 1
"""
)
RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
"""
# Like WRITE, but also without a holder of the lock; releases the lock.
FINISH = (
    PUT
    + """
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return end
redis.call('del', KEYS[1])
put()
"""
)


@dataclass(frozen=True, slots=True)
class HeldLock:
    """The lock of an issue that this worker holds; implements `Lock`."""

    locks: Locks
    issue: str
    key: str
    token: str
    record: Record | None

    def save(self, record: Record, writes: Sequence[Write] = ()) -> bool:
        return bool(self.locks.put(self.locks.write, self, record, writes))

    def finish(self, record: Record, writes: Sequence[Write] = ()) -> None:
        self.locks.put(self.locks.finish, self, record, writes)
        self.locks.forget(self)


class Locks:
    """The locks of a process, renewed by a separate thread."""

    def __init__(self, client: redis.Redis, records: BucketedHash, journal: RedisJournal) -> None:
        self._records, self._journal = records, journal
        self._take, self._renew, self.write, self.finish, self._release = map(
            client.register_script, (TAKE, RENEW, WRITE, FINISH, RELEASE)
        )
        self._held: dict[str, HeldLock] = {}  # by token
        self._guard = threading.Lock()
        self._renewer: threading.Thread | None = None

    @contextmanager
    def hold(self, issue: str) -> Iterator[HeldLock]:
        """Hold the lock of an issue. Raises `LockContended` while another worker holds it."""
        key, token = redis_keys.LOCK.format(issue=issue), uuid.uuid4().hex
        record = self._take(keys=[key, *self._records.keys()], args=[token, LOCK_MS, issue])
        if record is None:
            raise LockContended("another worker holds the lock of this issue", BUSY_SECONDS)
        lock = HeldLock(self, issue, key, token, record_decoder.decode(record) if record else None)
        with self._guard:
            self._held[token] = lock
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_all, daemon=True)
                self._renewer.start()
        try:
            yield lock
        finally:
            if self.forget(lock):
                self._release(keys=[key], args=[token])

    def put(
        self, script: Script, lock: HeldLock, record: Record, writes: Sequence[Write]
    ) -> object:
        """Save a record and writes by one of the scripts; return its result."""
        keys = [lock.key, self._records.keys()[0], *self._journal.keys()]
        value, seconds = msgspec.json.encode(record), self._records.seconds
        journal = self._journal.make_arguments(lock.issue, writes)
        return script(keys=keys, args=[lock.token, LOCK_MS, lock.issue, value, seconds, *journal])

    def forget(self, lock: HeldLock) -> bool:
        """Stop renewing a lock; return whether it was renewed."""
        with self._guard:
            return self._held.pop(lock.token, None) is not None

    def _renew_all(self) -> None:
        """Renew all locks until the process ends; each new thread would keep a connection."""
        while True:
            time.sleep(RENEW_SECONDS)
            with self._guard:
                held = list(self._held.values())
            for lock in held:
                with suppress(redis.RedisError):
                    self._renew(keys=[lock.key], args=[lock.token, LOCK_MS])
