"""Locks in Redis that end soon after their holder died, and never while it lives."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis

from bot.core.errors import Busy
from bot.core.ports import BUSY_SECONDS

LOCK_MS = 30_000
RENEW_SECONDS = 5.0

RENEW = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])
"""
RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
"""


class Held:
    """A lock in our hands; implements the `Lock` port."""

    def __init__(self, locks: Locks, name: str, token: str) -> None:
        self._locks, self._name, self._token = locks, name, token

    def held(self) -> bool:
        return self._locks.renew(self._name, self._token)


class Locks:
    """All locks of a process, renewed by one thread of its own."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._renew = client.register_script(RENEW)
        self._release = client.register_script(RELEASE)
        self._held: dict[str, str] = {}
        self._guard = threading.Lock()
        self._renewer: threading.Thread | None = None

    @contextmanager
    def hold(self, name: str) -> Iterator[Held]:
        """Hold a lock. Raises `Busy` while somebody else does."""
        token = uuid.uuid4().hex
        if not self._client.set(name, token, nx=True, px=LOCK_MS):
            raise Busy("another worker has this issue", BUSY_SECONDS)
        with self._guard:
            self._held[name] = token
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_all, daemon=True)
                self._renewer.start()
        try:
            yield Held(self, name, token)
        finally:
            with self._guard:
                self._held.pop(name, None)
            self._release(keys=[name], args=[token])

    def renew(self, name: str, token: str) -> bool:
        """False where the lock ended and somebody else may have had it."""
        return bool(self._renew(keys=[name], args=[token, LOCK_MS]))

    def _renew_all(self) -> None:
        """One thread for good: each new one would take a connection of the pool and keep it."""
        pause = threading.Event()
        while True:
            pause.wait(RENEW_SECONDS)
            with self._guard:
                held = dict(self._held)
            for name, token in held.items():
                with suppress(redis.RedisError):
                    self.renew(name, token)
