"""The whole product without webhooks: the same scenarios drive it through polling."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bot import wiring
from bot.core import refs
from bot.core.polling import Cursor
from bot.core.types import Job
from bot.flow.schedule_polls import PollSchedule
from bot.http import ClientPool
from bot.settings.load import Settings
from bot.settings.reload import ReloadingSettings
from bot.wiring_periodic import polling
from tests.whole.app import BODY, TITLE, App

NO_WEBHOOKS = {
    "GITHUB_WEBHOOK_SECRET": "",
    "GITLAB_SIGNING_TOKEN": "",
    "TAGLINE_POLL_SECONDS": "10",
}


@dataclass
class PollingApp(App):
    """An app that no forge delivers to. The test polls, the worker does not.

    `jobs` are the ids of those that polling has enqueued; the last one is waited for.
    """

    jobs: list[str] = field(default_factory=list)
    report: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = NO_WEBHOOKS | self.environment
        super().__post_init__()

    @property
    def worker_settings(self) -> Settings:
        return replace(self.settings, poll_seconds=0)

    def point_hooks_at(self, url: str) -> None:
        self.box.webhook_url = self.box.gitlab.webhook_url = None

    def refresh(self, on: str | None = None, owner: str = "acme") -> None:
        """Also let polling of the new repository have begun long ago."""
        super().refresh(on, owner)
        self.point_hooks_at("")
        self.begin()

    def begin(self) -> None:
        """Let polling of the repository have begun long ago, if it has not begun."""
        if not self.store.poll_state.cursor(self.repo_key):
            self.store.poll_state.save_cursor(self.repo_key, Cursor(0.0, time.time() - 86_400))

    def issue(self, title: str = TITLE, body: str | None = BODY, **how: Any) -> int:
        self.begin()
        return super().issue(title, body, **how)

    @property
    def repo_key(self) -> str:
        ref = refs.repository(f"{self.on}:{self.repo}", wiring.url_forms(self.settings))
        return replace(ref, repo_id=self.host.state.repo(self.repo).id).repo_key

    @cached_property
    def clients(self) -> ClientPool:
        return wiring.clients()

    def make_schedule(self) -> PollSchedule:
        """Return polling of this app's repository, as after a restart."""
        settings = replace(self.settings, poll_repos=(f"{self.on}:{self.repo}",))
        schedule = polling(ReloadingSettings(settings), self.clients, self.store, self.redis)
        enqueue = schedule.context.enqueue

        def record(jobs: Sequence[tuple[Job, float]]) -> Sequence[str]:
            ids = enqueue(jobs)
            self.jobs += [job for job in ids if job]
            return ids

        schedule.context = replace(schedule.context, enqueue=record)
        return schedule

    def poll(self, schedule: PollSchedule | None = None) -> list[str]:
        """Look once, as if the interval were over; return the ids of the new jobs."""
        for lease in self.redis.scan_iter("tagline:lease:poll:*"):
            self.redis.delete(lease)
        before = len(self.jobs)
        self.report = dict((schedule or self.make_schedule()).run_once())
        return self.jobs[before:]

    @property
    def _last_job(self) -> str:
        self.poll()
        return self.wait(lambda: self.jobs or self.poll())[-1]
