"""The workers' connections to Redis."""

from __future__ import annotations

import threading
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry as RedisRetry

READ_BYTES = 4096  # each connection keeps a buffer of that size, and each thread a connection
CONNECTION_ERRORS = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ReadOnlyError,
    redis.OutOfMemoryError,
)


class PerThreadPool(redis.ConnectionPool):
    """A pool in which each thread keeps its connection.

    Otherwise threads wait for the pool's lock, and the pool takes half of the time of a command.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._local = threading.local()

    def get_connection(self, *args: Any, **options: Any) -> Any:
        connection = self._local.__dict__.pop("connection", None)
        if connection is None:
            return super().get_connection(*args, **options)
        try:
            stale = connection.can_read()
        except (*CONNECTION_ERRORS, OSError):
            stale = True
        if stale:  # closed by the other side, or with the response to an abandoned command
            connection.disconnect()
        return connection

    def release(self, connection: Any) -> None:
        if "connection" in self._local.__dict__:
            super().release(connection)
        else:
            self._local.connection = connection


def connect(url: str, connections: int) -> redis.Redis:
    """Return a client for that many threads; it never repeats a command by itself."""
    pool = PerThreadPool.from_url(
        url,
        max_connections=connections,
        socket_connect_timeout=2,
        socket_timeout=5,
        socket_read_size=READ_BYTES,
        retry=RedisRetry(NoBackoff(), 0),
    )
    return redis.Redis(connection_pool=pool)
