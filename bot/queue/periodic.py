"""What a worker does beside its jobs, every few seconds: look for what was missed, and heal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import redis

from bot import log

EVERY_SECONDS = 10.0


class PeriodicTasks:
    """A thread each, begun at once. A round that fails is tried again with the next.

    `walks` maps what is done, in words for the log, to the deed, which answers with what it found.
    """

    def __init__(self, walks: Mapping[str, Callable[[], Mapping[str, object]]]) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=one, name="rounds", daemon=True)
            for one in walks.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        """Let rounds that are under way end, for so long together."""
        self._stopping.set()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    def _repeat(self, name: str, walk: Callable[[], Mapping[str, object]]) -> None:
        while not self._stopping.is_set():
            self._run_once(name, walk)
            self._stopping.wait(EVERY_SECONDS)

    def _run_once(self, name: str, walk: Callable[[], Mapping[str, object]]) -> None:
        try:
            if found := walk():
                log.get().info(name, **found)
        except redis.RedisError as error:
            log.get().warning(f"{name}: Redis does not answer", error=type(error).__name__)
        except Exception as error:  # the thread must live as long as the worker
            frames = log.frames(error.__traceback__)[-8:]
            log.get().error(f"{name}: unexpected error", error=type(error).__name__, frames=frames)
