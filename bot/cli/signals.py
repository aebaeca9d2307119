"""Stops a command on SIGTERM, SIGINT or SIGHUP; a second signal ends it at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType


class StopSignal:
    """Waits for a signal to stop. `before_exit` is called when a second one ends the process.

    Create it in the main thread before any slow import: the first process of a container ignores
    signals without a handler.
    """

    def __init__(self) -> None:
        self.before_exit: Callable[[], object] = lambda: None
        self._is_stopping = False
        self._signals: SimpleQueue[int] = SimpleQueue()  # its put() is safe in a signal handler
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(signal.SIGHUP, self._handle)

    def wait(self, seconds: float | None = None) -> bool:
        """Return whether a signal arrives within so many seconds."""
        try:
            self._signals.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            self.before_exit()
            os._exit(1)  # no job is lost: running ones are processed again
        self._is_stopping = True
        self._signals.put(number)
