"""Periodic tasks of a worker, such as reconciliation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import redis

from bot import log

EVERY_SECONDS = 10.0
Task = Callable[[], Mapping[str, object]]


class PeriodicTasks:
    """Runs each task in its own thread, at the start and then every few seconds.

    `tasks` maps a log event to the function that does the work and returns the event's fields; an
    empty result is not logged, and one with `problems` is a warning. A run that fails is repeated
    after the interval. `seconds` are intervals other than `EVERY_SECONDS`.
    """

    def __init__(
        self, tasks: Mapping[str, Task], seconds: Mapping[str, float] | None = None
    ) -> None:
        self._seconds = seconds or {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=task, name="periodic", daemon=True)
            for task in tasks.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Wait until current runs end, for that many seconds in all."""
        self._stopping.set()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    def _repeat(self, event: str, task: Task) -> None:
        while not self._stopping.is_set():
            self._run_once(event, task)
            self._stopping.wait(self._seconds.get(event, EVERY_SECONDS))

    def _run_once(self, event: str, task: Task) -> None:
        try:
            if fields := task():
                level = "warning" if fields.get("problems") else "info"
                getattr(log.get(), level)(event, **fields)
        except redis.RedisError as error:
            # `watch.py` logs it once.
            log.get().debug(f"{event}: Redis does not answer", error=type(error).__name__)
        except Exception as error:  # the thread must run as long as the worker
            frames = log.frames(error.__traceback__)[-8:]
            log.get().error(f"{event}: unexpected error", error=type(error).__name__, frames=frames)
