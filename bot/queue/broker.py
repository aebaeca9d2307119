"""Dramatiq's Redis broker with defects of version 2.2 corrected.

- Jobs of a dead worker are requeued soon: maintenance runs with every command, not one in 1,000.
- Jobs whose fetch was interrupted, or that were in memory when the connection broke, are requeued
  (https://github.com/Bogdanp/dramatiq/issues/527).
- A timeout counts as a lost connection, so that no acknowledgement is dropped
  (https://github.com/Bogdanp/dramatiq/issues/894).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from dramatiq.broker import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import CurrentMessage

from bot.core import redis_keys
from bot.queue.connection import CONNECTION_ERRORS

HEARTBEAT_MS = 30_000
SINGLE_HOST_HEARTBEAT_MS = 15_000
IDLE_FACTOR = 4  # delayed jobs, and idle threads, are checked this many times less often


class Broker(RedisBroker):
    """A broker that is not registered globally; nothing connects before its first command."""

    def __init__(
        self,
        client: redis.Redis,
        heartbeat_ms: int = HEARTBEAT_MS,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(
            client=client,
            middleware=[CurrentMessage()],
            namespace=redis_keys.NAMESPACE,
            maintenance_chance=1_000_000,
            heartbeat_timeout=heartbeat_ms,
        )
        self.is_paused = is_paused
        self.in_progress: set[str] = set()
        self.in_progress_lock = threading.Lock()

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        return _Consumer


class _Consumer(_RedisConsumer):
    def __init__(self, broker: Broker, queue_name: str, prefetch: int, timeout: int) -> None:
        self._is_delayed = queue_name.endswith(".DQ")
        super().__init__(
            broker, queue_name, prefetch, timeout if self._is_delayed else timeout // IDLE_FACTOR
        )
        with _map_connection_errors():
            self._requeue_fetched()

    def _requeue_fetched(self) -> None:
        """Requeue messages that this process fetched and that none of its threads processes.

        The replaced consumer held the delayed messages in memory, so all of them are requeued.
        """
        key = redis_keys.FETCHED.format(broker=self.broker.broker_id, queue=self.queue_name)
        fetched = {member.decode() for member in self.broker.client.smembers(key)}
        if not self._is_delayed:
            with self.broker.in_progress_lock:
                fetched -= self.broker.in_progress
        if fetched:
            self.broker.do_requeue(self.queue_name, *fetched)

    def __next__(self) -> MessageProxy | None:
        with _map_connection_errors():
            if self._must_wait():
                time.sleep(self.timeout / 1000)
                return None
            message: MessageProxy | None = super().__next__()
        if message is not None:
            with self.broker.in_progress_lock:
                self.broker.in_progress.add(message.options["redis_message_id"])
        return message

    def _must_wait(self) -> bool:
        """Return whether a pause keeps it from fetching jobs.

        The delayed queue's consumer goes on: its commands are the heartbeats of running jobs, and
        what is due joins the queue, where it waits.
        """
        return not self._is_delayed and not self.message_cache and self.broker.is_paused()

    def ack(self, message: MessageProxy) -> None:
        self._finish(super().ack, message)

    def nack(self, message: MessageProxy) -> None:
        self._finish(super().nack, message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        requeue = super().requeue
        self._finish(lambda *requeued: requeue(requeued), *messages)

    def _finish(self, command: Callable[..., None], *messages: MessageProxy) -> None:
        with _map_connection_errors():
            command(*messages)
        with self.broker.in_progress_lock:
            self.broker.in_progress -= {m.options["redis_message_id"] for m in messages}


@contextmanager
def _map_connection_errors() -> Iterator[Any]:
    try:
        yield
    except CONNECTION_ERRORS as error:
        raise ConnectionClosed(error) from None


def is_queued(client: redis.Redis, job: str) -> bool:
    """Return whether a job from the receiver waits for its first try, or runs it."""
    hashes = redis_keys.QUEUE_MESSAGES, redis_keys.DELAYED_MESSAGES
    return any(client.hexists(key, job) for key in hashes)
