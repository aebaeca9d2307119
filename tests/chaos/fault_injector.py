"""Injects faults while issues are opened: each kind periodically, in its own thread."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from threading import Event, Thread

from tests.chaos.parts import Parts
from tests.chaos.proxy import Mode

MODES: tuple[Mode, ...] = ("refuse", "cut", "delay", "blackhole", "throttle")
NETWORK_FAULT_SECONDS = 3.0


class FaultInjector:
    """Counts the faults; `last` is when the last one ended."""

    def __init__(self, parts: Parts, rng: Random, outage: float) -> None:
        self._parts, self._rng, self._outage = parts, rng, outage
        self._stop = Event()
        self.counts: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self.last = datetime.now(UTC)

    def record(self, name: str) -> None:
        self.counts[name] += 1
        self.last = datetime.now(UTC)

    def kill_worker(self) -> None:
        self._parts.kill("worker", self._rng.randrange(100))
        self._parts.start("worker")
        self.record("workers killed")

    def kill_receiver(self) -> None:
        self._parts.kill("serve")
        self._parts.start("serve")
        self._parts.wait_until_ready()
        self.record("receivers killed")

    def kill_redis(self) -> None:
        self._parts.redis.kill()
        time.sleep(self._outage)
        self._parts.start_redis()
        self.record("Redis killed")

    def break_connection(self) -> None:
        """Put one of the three proxies into a failing mode for some seconds."""
        proxy, mode = self._rng.choice(self._parts.proxies), self._rng.choice(MODES)
        proxy.switch(mode)
        self._stop.wait(NETWORK_FAULT_SECONDS)
        proxy.switch("pass")
        self.record(f"{proxy.name} {mode}")

    @contextmanager
    def injecting(self, *faults: tuple[Callable[[], None], float, int]) -> Iterator[None]:
        """Inject each (fault, period, times): a period of 0 means never, 0 times no limit."""
        threads = [Thread(target=self._repeat, args=fault) for fault in faults if fault[1]]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _repeat(self, act: Callable[[], None], seconds: float, times: int) -> None:
        try:
            for _ in range(times):
                time.sleep(seconds)
                act()
            while not times and not self._stop.wait(seconds):
                act()
        except BaseException as error:
            self.errors.append(error)
            raise
