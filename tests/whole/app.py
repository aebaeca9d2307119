"""The whole product in one process, over HTTP and a real Redis, with simulated platforms."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import count
from typing import Any, TypeVar

import redis

from bot import log, wiring, wiring_worker
from bot.core.jobs import JobRecord
from bot.sandbox.faults import Armed
from bot.sandbox.state import Event, StoredComment
from bot.sandbox.webhooks import WebhookDelivery
from bot.settings.load import Settings, load
from bot.store.redis import RedisStore
from tests.serving import served
from tests.simulation import MODEL_APIS, Exchange, Host, Sandbox
from tests.simulation.forge_faults import PATTERNS

SECRET = "whole-app-webhook-secret"
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
class App:
    """Receiver, worker and sandbox, for the issues of one forge; each test gets a new `repo`."""

    box: Sandbox
    redis_url: str
    provider: str = "openai"
    environment: dict[str, str] = field(default_factory=dict)
    on: str = "github"
    repo: str = ""
    lines: io.StringIO = field(default_factory=io.StringIO)
    url: str = ""

    def __post_init__(self) -> None:
        self.refresh()

    @property
    def host(self) -> Host:
        return self.box.hosts[self.on]

    def refresh(self, on: str | None = None, owner: str = "acme") -> None:
        """Create a new repository and start an empty log."""
        self.on = on or self.on
        self.repo = f"{owner}/app{next(_numbers)}"
        self.host.add_repo(self.repo, LABELS)
        self.clear_schedules()
        # The requests of earlier tests would count towards the limits of both hosts.
        self.box.github.used = 0
        self.box.gitlab.gitlab.requests.clear()
        for server in (self.box.github, self.box.gitlab.gitlab):
            server.searches.used.clear()
        self.lines = io.StringIO()
        log.configure("debug", "json", self.settings.secrets, self.lines)
        if self.url:
            self.point_hooks_at(self.url)

    @property
    def settings(self) -> Settings:
        return load(self.environ)

    @property
    def worker_settings(self) -> Settings:
        return self.settings

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a separate process."""
        base = {
            **self.box.environment(),
            "REDIS_URL": self.redis_url,
            "WORKER_THREADS": "4",
            "LLM_PROVIDER": self.provider,
            "LLM_TIMEOUT": "1",
            "ANTHROPIC_API_KEY": self.box.model_key,
            "ANTHROPIC_BASE_URL": self.box.anthropic_url,
        }
        merged = {**base, **self.environment}
        return {name: value for name, value in merged.items() if value}

    @cached_property
    def redis(self) -> redis.Redis:
        return wiring.redis_client(self.settings)

    @cached_property
    def store(self) -> RedisStore:
        return wiring.redis_store(self.redis)

    @contextmanager
    def open(self, *, worker: bool = True) -> Iterator[App]:
        """Run the receiver and, by default, a worker."""
        with served(wiring.receiver(self.settings)) as self.url:
            self.point_hooks_at(self.url)
            with self.running_worker() if worker else nullcontext():
                yield self
        self.redis.close()

    def clear_schedules(self) -> None:
        """Remove issues of earlier tests from the schedules and from reconciliation.

        Reconciliation and trainings run only where a test asks for them."""
        self.redis.delete("tagline:waiting", "tagline:parked", "tagline:places", "tagline:looks")
        for searches in self.redis.scan_iter("tagline:searches:*"):
            self.redis.delete(searches)
        for name in ("sweep", "deliveries", "train-search"):
            self.redis.set(f"tagline:lease:{name}", 1, ex=3600)

    def point_hooks_at(self, url: str) -> None:
        """Let both forges deliver to the receiver at this URL."""
        self.box.webhook_url = f"{url}/webhooks/github"
        self.box.gitlab.webhook_url = f"{url}/webhooks/gitlab"

    @contextmanager
    def running_worker(self, *, clear: bool = True) -> Iterator[None]:
        if clear:
            self.clear_schedules()
        worker = wiring_worker.worker(self.worker_settings)
        worker.stop_seconds = 10
        worker.start()
        try:
            yield
        finally:
            worker.stop()

    def issue(self, title: str = TITLE, body: str | None = BODY, **how: Any) -> int:
        """Open an issue and wait until its job has ended or waits for another try."""
        number = self.host.open_issue(self.repo, title, body, **how)
        self.wait_for_job()
        return number

    def deliver_opened(self, number: int) -> None:
        """Send the `opened` delivery of an issue late: the payload shows its current state."""
        repo, issue = self.host.state.repo(self.repo), self.host.state.issue(self.repo, number)
        self.host.hooks.send(Event("opened", repo, issue, issue.author))

    @property
    def opened(self) -> WebhookDelivery:
        """The `opened` delivery of the last issue."""
        return self.host.opened

    def deliver_again(self) -> JobRecord:
        """Deliver the last opened issue once more, as after its claim expired, and wait."""
        for claims in self.redis.keys("tagline:claims:*"):
            self.redis.delete(claims)
        self.host.redeliver(self.opened.id)
        return self.wait_for_job()

    def wait_for_job(self, job: str = "") -> JobRecord:
        """Wait until a job (default: the last delivery's) has ended or waits for another try."""
        return self.wait(partial(self._settled, job or self._last_job, "queued", "running"))

    def wait_for_end(self, job: str = "") -> JobRecord:
        """Wait until a job (default: the last delivery's) has ended for good."""
        return self.wait(
            partial(self._settled, job or self._last_job, "queued", "running", "waiting")
        )

    @property
    def _last_job(self) -> str:
        return next(d.job for d in reversed(self.host.deliveries) if d.job)

    def _settled(self, job: str, *pending: str) -> JobRecord | None:
        record = self.store.job(job)
        return record if record and record.state not in pending else None

    def wait(self, poll: Callable[[], T | None]) -> T:
        """Call `poll` until it returns a true value, also while Redis is unavailable."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            with suppress(redis.RedisError):
                if value := poll():
                    return value
            time.sleep(0.02)
        raise AssertionError(f"no result within {WAIT_SECONDS:.0f} s; log: {self.lines.getvalue()}")

    def limit_rate_after_a_page_of_issues(self) -> None:
        """Answer the request after the next one for a list of issues with status 429."""

        def limit(exchange: Exchange) -> None:
            if exchange.path.endswith("/issues"):
                self.box.faults.arm("forge-429", times=1)
                self.box.log.observers.remove(limit)

        self.box.observe(limit)

    def arm_fault(self, fault: str, target: str = "", times: int | None = 1) -> None:
        """Arm a fault for the forge's writes to `target`: comments, labels or issues."""
        row = self.box.faults.table[fault]
        if target:
            row = replace(row, on=getattr(PATTERNS[self.on], target))
        self.box.faults.armed.append(Armed(row, times, None))

    @contextmanager
    def during_model_call(self, action: Callable[[], object]) -> Iterator[None]:
        """Call `action` once, after a request to the model and before its response arrives."""
        pending = [action]

        def watch(exchange: Exchange) -> None:
            if exchange.api in MODEL_APIS and pending:
                pending.pop()()

        self.box.observe(watch)
        yield
        self.box.log.observers.remove(watch)
        assert not pending, "no request to a model"

    def expire_pauses(self) -> None:
        """End the breaker's pause and the pauses that a forge asked for."""
        passing = ("tagline:breaker:*:probe", "tagline:pace:silence:*", "tagline:probe")
        for key in (key for name in passing for key in self.redis.scan_iter(name)):
            self.redis.delete(key)

    def configure(self, text: str) -> None:
        """Write the repository's tagline.yml."""
        self.host.set_config(self.repo, text)

    def labels(self, number: int) -> list[str]:
        return self.host.labels(self.repo, number)

    def comments(self, number: int) -> list[StoredComment]:
        """Comments of the bot."""
        return self.host.bot_comments(self.repo, number)

    def created_labels(self) -> list[str]:
        """Labels that the bot created: none are expected."""
        return self.host.created_labels(self.repo)

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the log lines of this repository, all or those of one event."""
        events = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        events = [event for event in events if self.repo in event.get("issue", self.repo)]
        return [event for event in events if name in (None, event["event"])]

    def ref(self, number: int) -> str:
        """Return the reference of an issue as a person writes it."""
        return f"{self.on}:{self.repo}#{number}"


Build = Callable[..., App]
