"""What a worker does beside its jobs, one round at a time."""

from __future__ import annotations

import time

from bot import wiring
from bot.core.types import Job
from bot.http import ClientPool
from bot.queue.actors import send
from tests.whole.app import App


class Outage:
    """The rounds of a worker, one by one."""

    def __init__(self, app: App, clients: ClientPool) -> None:
        self.app = app
        self._broker = wiring.broker(app.redis)
        self._healing = wiring.fallback_retries(app.settings, app.store)
        self._sweep = wiring.reconciliation(app.settings, clients, app.store)
        self.jobs: list[str] = []

    def _send(self, delivery: Job) -> None:
        if self.app.repo in str(delivery.ref):
            self.jobs.append(send(self._broker, self.app.store, delivery))

    def heal(self) -> None:
        """A round with everybody due."""
        self.app.store.retry_schedule.resume(time.time(), everybody=True)
        self._healing.run_once(self._send)
        self._ended()

    def sweep(self) -> dict[str, object]:
        self.app.redis.delete("tagline:lease:sweep", "tagline:lease:deliveries")
        found = dict(self._sweep.run_once(self._send))
        self._ended()
        return found

    def _ended(self) -> None:
        for job in self.jobs:
            self.app.end_of(job)
