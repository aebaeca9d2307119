"""What goes wrong meanwhile: each fault in a thread of its own, every so many seconds."""

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
TROUBLE_SECONDS = 3.0


class FaultInjector:
    """Counts what it did; `last` is when the last fault ended."""

    def __init__(self, parts: Parts, dice: Random, outage: float) -> None:
        self._parts, self._dice, self._outage = parts, dice, outage
        self._over = Event()
        self.did: Counter[str] = Counter()
        self.wrong: list[BaseException] = []
        self.last = datetime.now(UTC)

    def fault(self, name: str) -> None:
        self.did[name] += 1
        self.last = datetime.now(UTC)

    def kill_worker(self) -> None:
        self._parts.kill("worker", self._dice.randrange(100))
        self._parts.start("worker")
        self.fault("workers killed")

    def kill_receiver(self) -> None:
        self._parts.kill("serve")
        self._parts.start("serve")
        self._parts.await_answers()
        self.fault("receivers killed")

    def kill_redis(self) -> None:
        self._parts.redis.kill()
        time.sleep(self._outage)
        self._parts.start_redis()
        self.fault("Redis killed")

    def trouble(self) -> None:
        """One of the three connections in one of the bad modes, for a while."""
        proxy, mode = self._dice.choice(self._parts.proxies), self._dice.choice(MODES)
        proxy.switch(mode)
        self._over.wait(TROUBLE_SECONDS)
        proxy.switch("pass")
        self.fault(f"{proxy.name} {mode}")

    @contextmanager
    def raging(self, *faults: tuple[Callable[[], None], float, int]) -> Iterator[None]:
        """Each fault every so many seconds (0 = never): so many times, or while this lasts (0)."""
        threads = [Thread(target=self._repeat, args=one) for one in faults if one[1]]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _repeat(self, act: Callable[[], None], seconds: float, times: int) -> None:
        try:
            for _ in range(times):
                time.sleep(seconds)
                act()
            while not times and not self._over.wait(seconds):
                act()
        except BaseException as error:
            self.wrong.append(error)
            raise
