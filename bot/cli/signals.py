"""How a running command is told to stop: SIGTERM, SIGINT or SIGHUP; a second one ends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.settings.load import Settings

GRACE_SECONDS = 5.0
WITHOUT_MODEL_SECONDS = 15.0


class StopSignal:
    """Made in the main thread, before anything slow: the first process of a container ignores
    signals that nobody handles. `at_once` is called before a second one ends the process.
    """

    def __init__(self) -> None:
        self.at_once: Callable[[], object] = lambda: None
        self._told = False
        self._signals: SimpleQueue[int] = SimpleQueue()  # may be filled by a signal handler
        signal.signal(signal.SIGTERM, self._tell)
        signal.signal(signal.SIGINT, self._tell)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(signal.SIGHUP, self._tell)

    def wait(self, seconds: float | None = None) -> bool:
        """Whether the stop was asked for within so many seconds."""
        try:
            self._signals.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _tell(self, number: int, _frame: FrameType | None) -> None:
        if self._told:
            self.at_once()
            os._exit(1)  # jobs are done again, nothing is lost
        self._told = True
        self._signals.put(number)


def seconds_for_jobs(settings: Settings) -> float:
    """For how long running jobs may finish: the models' whole time and a little for the forge."""
    from bot.llm.service import CHAIN_TIME_FACTOR

    model = settings.model
    if model is None:
        return WITHOUT_MODEL_SECONDS + GRACE_SECONDS
    return model.timeout * (CHAIN_TIME_FACTOR if model.fallbacks else 1) + GRACE_SECONDS
