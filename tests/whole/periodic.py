"""A worker's periodic tasks, run one by one."""

from __future__ import annotations

import time
from typing import Any

from bot import wiring, wiring_periodic
from bot.core import redis_keys
from bot.core.types import Job
from bot.http import ClientPool
from bot.queue.actors import send
from bot.settings.reload import ReloadingSettings
from tests.whole.app import App


class PeriodicTasks:
    """Runs fallback retries, reconciliation, the schedule of trainings and looks at suggestions,
    and waits for the jobs that they send."""

    def __init__(self, app: App, clients: ClientPool) -> None:
        self.app = app
        self._broker = wiring.broker(app.redis)
        self._retries = wiring.fallback_retries(app.settings, app.store)
        forge = wiring.forges(ReloadingSettings(app.settings), clients)
        latest = ReloadingSettings(app.settings)
        self.departures = wiring_periodic.departures(latest, clients, app.store)
        self._reconciliation = wiring_periodic.reconciliation(
            app.settings, forge, app.store, self.departures
        )
        self._trainings = wiring_periodic.training_schedule(app.settings, app.store)
        self._looks = wiring_periodic.look_schedule(app.settings, app.store)
        self.jobs: list[str] = []

    def _send(self, delivery: Job) -> None:
        if self.app.repo in str(delivery.ref):
            self.jobs.append(send(self._broker, self.app.store, delivery))

    def retry_fallbacks(self) -> None:
        """Run once with every waiting issue due."""
        self.app.store.retry_schedule.resume(time.time(), include_scheduled=True)
        self._retries.run_once(self._send)
        self._wait_for_jobs()

    def reconcile(self) -> dict[str, object]:
        self.app.redis.delete("tagline:lease:sweep", "tagline:lease:deliveries")
        report = dict(self._reconciliation.run_once(self._send))
        self._wait_for_jobs()
        return report

    def look(self) -> None:
        """Look at all issues whose suggestions wait, as on the next day."""
        redis, key = self.app.redis, redis_keys.LOOKS
        waiting: Any = redis.zrange(key, 0, -1)
        for issue in waiting:
            redis.zadd(key, {issue: 0})
        while redis.zcount(key, 0, time.time()):
            redis.delete("tagline:lease:looks")
            self._looks.run_once(self._send)
        self._wait_for_jobs()

    def train(self, *, wait: bool = True) -> None:
        """Run once, as if no training had been sent for a while."""
        self.app.redis.delete("tagline:lease:train-search", "tagline:lease:train")
        self._trainings.run_once(self._send)
        if wait:
            self._wait_for_jobs()

    def _wait_for_jobs(self) -> None:
        for job in self.jobs:
            self.app.wait_for_job(job)
