"""What a worker does beside its jobs, every few seconds: look for what was missed, and heal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import redis

from bot import log

EVERY_SECONDS = 10.0


class Rounds:
    """One thread; the first round begins at once. A round that fails is tried again with the next.

    `walks` maps what is done, in words for the log, to the deed, which answers with what it found.
    """

    def __init__(self, walks: Mapping[str, Callable[[], Mapping[str, object]]]) -> None:
        self._walks = walks
        self._told_to_stop = threading.Event()
        self._thread = threading.Thread(target=self._walk_on, name="rounds", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Let a round that is under way end, for so long."""
        self._told_to_stop.set()
        self._thread.join(seconds)

    def _walk_on(self) -> None:
        while True:
            for name, walk in self._walks.items():
                self._walk(name, walk)
            if self._told_to_stop.wait(EVERY_SECONDS):
                return

    def _walk(self, name: str, walk: Callable[[], Mapping[str, object]]) -> None:
        if self._told_to_stop.is_set():
            return
        try:
            if found := walk():
                log.get().info(name, **found)
        except redis.RedisError as error:
            log.get().warning(f"{name}: Redis does not answer", error=type(error).__name__)
        except Exception as error:  # the thread must live as long as the worker
            frames = log.frames(error.__traceback__)[-8:]
            log.get().error(f"{name}: unexpected error", error=type(error).__name__, frames=frames)
