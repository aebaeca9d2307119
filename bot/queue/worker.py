"""The worker threads of one process, from start to a graceful stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dramatiq import Worker

from bot.queue.broker import IDLE_FACTOR, Broker
from bot.queue.periodic import PeriodicTasks

PICK_UP_MS = 140
TASK_STOP_SECONDS = 2.0
DELAYED_IN_MEMORY = 60_000


class QueueWorker:
    """Dramatiq's worker with our broker.

    A stop calls `stopping` and waits up to `stop_seconds` for running jobs. `closing` is called
    after the last thread has ended. Without `threads` it runs its tasks and fetches no job.
    """

    def __init__(
        self,
        broker: Broker,
        threads: int,
        tasks: PeriodicTasks,
        stop_seconds: float,
        closing: Sequence[Callable[[], object]] = (),
        stopping: Callable[[], object] = lambda: None,
    ) -> None:
        self._threads = threads
        self._tasks = tasks
        self.stop_seconds = stop_seconds
        self._worker = Worker(
            broker, worker_timeout=PICK_UP_MS * IDLE_FACTOR, worker_threads=threads
        )
        # Another process cannot take jobs that this one has fetched, so fetch no more than can run.
        self._worker.queue_prefetch = threads
        # Delayed jobs are fetched in order of arrival, not of time: a full memory would delay
        # a job that is due. https://github.com/Bogdanp/dramatiq/issues/527
        self._worker.delay_prefetch = DELAYED_IN_MEMORY
        self._stopping = stopping
        self._closing = (*closing, broker.client.close)

    def start(self) -> None:
        if self._threads:
            self._worker.start()
        self._tasks.start()

    def stop(self) -> None:
        """Wait for running jobs, requeue those that take too long, and close connections."""
        self._stopping()
        self._tasks.stop(TASK_STOP_SECONDS)
        self._worker.stop(timeout=int(self.stop_seconds * 1000))
        for close in self._closing:
            close()
