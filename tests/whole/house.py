"""The whole product in one process, over real HTTP and a real Redis, beside the sandbox."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, TypeVar

import redis

from bot import log, wiring
from bot.core.jobs import Job
from bot.sandbox import Sandbox
from bot.sandbox.deliver import Delivery
from bot.sandbox.world import Comment
from bot.settings import Settings, load
from bot.store.redis import RedisStore
from tests.serving import served

SECRET = "whole-house-webhook-secret"
LABELS = {
    "bug": "Something is broken",
    "enhancement": "Something new",
    "documentation": "The manual is wrong",
    "area/login": "Signing in",
    "area/api": "The API",
    "needs-review": "Look at this",
    "wontfix": "No",
}
TITLE = "Login button does nothing in Firefox"
BODY = "Steps: open the page, press the button. Nothing happens. It crashed with an exception."
WAIT_SECONDS = 20.0

T = TypeVar("T")
_numbers = count(1)


@dataclass
class House:
    """Receiver, worker and sandbox. `repo` is fresh for every test."""

    box: Sandbox
    redis_url: str
    provider: str = "openai"
    environment: dict[str, str] = field(default_factory=dict)
    repo: str = ""
    lines: io.StringIO = field(default_factory=io.StringIO)
    url: str = ""

    def __post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """A new repository and an empty log."""
        self.repo = f"acme/house{next(_numbers)}"
        self.box.add_repo(self.repo, LABELS)
        self.lines = io.StringIO()
        log.configure("debug", "json", self.settings.secrets, self.lines)
        if self.url:
            self.box.webhook_url = f"{self.url}/webhooks/github"

    @property
    def settings(self) -> Settings:
        base = {
            "GITHUB_APP_ID": str(self.box.app_id),
            "GITHUB_PRIVATE_KEY": self.box.private_key,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_API_URL": self.box.github_url,
            "REDIS_URL": self.redis_url,
            "WORKER_THREADS": "4",
            "LLM_PROVIDER": self.provider,
            "LLM_MODEL": "sandbox-rules",
            "LLM_TIMEOUT": "1.5",
            "OPENAI_API_KEY": "sandbox-key",
            "OPENAI_BASE_URL": self.box.openai_url,
            "ANTHROPIC_API_KEY": "sandbox-key",
            "ANTHROPIC_BASE_URL": self.box.anthropic_url,
        }
        merged = {**base, **self.environment}
        return load({name: value for name, value in merged.items() if value})

    @cached_property
    def redis(self) -> redis.Redis:
        return wiring.redis_client(self.settings)

    @cached_property
    def store(self) -> RedisStore:
        return wiring.redis_store(self.redis)

    @contextmanager
    def open(self, *, at_work: bool = True) -> Iterator[House]:
        """The receiver and, unless told otherwise, a worker."""
        with served(wiring.receiver(self.settings)) as self.url:
            self.box.webhook_url = f"{self.url}/webhooks/github"
            with self.working() if at_work else nullcontext():
                yield self
        self.box.webhook_url = None
        self.redis.close()

    @contextmanager
    def working(self) -> Iterator[None]:
        crew = wiring.worker(self.settings)
        crew.start()
        try:
            yield
        finally:
            crew.stop(10)

    def issue(self, title: str = TITLE, body: str | None = BODY, **how: Any) -> int:
        """Open an issue and wait until its job has come to an end, or waits for another try."""
        number = self.box.open_issue(self.repo, title, body, **how)
        self.ended()
        return number

    @property
    def opened(self) -> Delivery:
        """The delivery of the last opened issue."""
        return next(d for d in reversed(self.box.deliveries) if d.action == "opened")

    def again(self) -> Job:
        """Deliver the opened issue once more, as a new delivery, and wait for its job."""
        answer = self.box.deliver("issues", self.opened.payload)
        return self.end_of(answer.headers["X-Tagline-Job"])

    def ended(self) -> Job:
        """Wait for the job of the last delivery that made one."""
        return self.end_of(next(d.job for d in reversed(self.box.deliveries) if d.job))

    def end_of(self, job: str) -> Job:
        return self.wait(lambda: self._settled(job))

    def _settled(self, job: str) -> Job | None:
        found = self.store.job(job)
        return found if found and found.state not in ("queued", "running") else None

    def wait(self, look: Callable[[], T | None]) -> T:
        until = time.monotonic() + WAIT_SECONDS
        while (found := look()) is None:
            assert time.monotonic() < until, f"nothing came of it; log: {self.lines.getvalue()}"
            time.sleep(0.02)
        return found

    def labels(self, number: int) -> list[str]:
        return self.box.labels(self.repo, number)

    def comments(self, number: int) -> list[Comment]:
        """Comments of the bot."""
        return self.box.bot_comments(self.repo, number)

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Log lines, all or those of one event."""
        found = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        return [event for event in found if name in (None, event["event"])]
