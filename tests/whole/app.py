"""The whole product in one process, over real HTTP and a real Redis, beside the sandbox."""

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

from bot import log, wiring
from bot.core.jobs import JobRecord
from bot.sandbox.faults import Armed
from bot.sandbox.state import Event, StoredComment
from bot.sandbox.webhooks import WebhookDelivery
from bot.settings.load import Settings, load
from bot.store.redis import RedisStore
from tests.serving import served
from tests.simulation import MODEL_APIS, Exchange, Host, Sandbox
from tests.simulation.forge_faults import PATTERNS

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
class App:
    """Receiver, worker and sandbox, for the issues of one host. `repo` is fresh for every test."""

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
        """A new repository and an empty log."""
        self.on = on or self.on
        self.repo = f"{owner}/house{next(_numbers)}"
        self.host.add_repo(self.repo, LABELS)
        self.quiet()
        self.lines = io.StringIO()
        log.configure("debug", "json", self.settings.secrets, self.lines)
        if self.url:
            self.point_hooks_at(self.url)

    @property
    def settings(self) -> Settings:
        return load(self.environ)

    @property
    def environ(self) -> dict[str, str]:
        """What a process of its own would be started with."""
        base = {
            "GITHUB_APP_ID": str(self.box.app_id),
            "GITHUB_PRIVATE_KEY": self.box.private_key,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_API_URL": self.box.github_url,
            "GITLAB_URL": self.box.gitlab_url,
            "GITLAB_TOKEN": self.box.gitlab.token,
            "GITLAB_SIGNING_TOKEN": self.box.gitlab.signing_token or "",
            "REDIS_URL": self.redis_url,
            "WORKER_THREADS": "4",
            "LLM_PROVIDER": self.provider,
            "LLM_MODEL": "sandbox-rules",
            "LLM_TIMEOUT": "1",
            "OPENAI_API_KEY": "sandbox-key",
            "OPENAI_BASE_URL": self.box.openai_url,
            "ANTHROPIC_API_KEY": "sandbox-key",
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
    def open(self, *, at_work: bool = True) -> Iterator[App]:
        """The receiver and, unless told otherwise, a worker."""
        with served(wiring.receiver(self.settings)) as self.url:
            self.point_hooks_at(self.url)
            with self.working() if at_work else nullcontext():
                yield self
        self.redis.close()

    def quiet(self) -> None:
        """Nothing of earlier tests waits for a model, and no sweep finds what they left."""
        self.redis.delete("tagline:waiting", "tagline:parked", "tagline:places")
        for name in ("sweep", "deliveries"):
            self.redis.set(f"tagline:lease:{name}", 1, ex=3600)

    def point_hooks_at(self, url: str) -> None:
        """Both forges deliver to the receiver at this address from now on."""
        self.box.webhook_url = f"{url}/webhooks/github"
        self.box.gitlab.webhook_url = f"{url}/webhooks/gitlab"

    @contextmanager
    def working(self, *, forgetful: bool = True) -> Iterator[None]:
        if forgetful:
            self.quiet()
        worker = wiring.worker(self.settings)
        worker.start()
        try:
            yield
        finally:
            worker.stop(10)

    def issue(self, title: str = TITLE, body: str | None = BODY, **how: Any) -> int:
        """Open an issue and wait until its job has come to an end, or waits for another try."""
        number = self.host.open_issue(self.repo, title, body, **how)
        self.ended()
        return number

    def deliver_opening(self, number: int) -> None:
        """Tell of an issue's opening late: the payload shows it as it is now."""
        home, issue = self.host.state.repo(self.repo), self.host.state.issue(self.repo, number)
        self.host.hooks.send(Event("opened", home, issue, issue.author))

    @property
    def opened(self) -> WebhookDelivery:
        """The delivery of the last opened issue."""
        return self.host.opened

    def again(self) -> JobRecord:
        """Deliver the opened issue once more, as long after its claim ended, and wait."""
        for claims in self.redis.keys("tagline:claims:*"):
            self.redis.delete(claims)
        self.host.redeliver(self.opened.id)
        return self.ended()

    def ended(self) -> JobRecord:
        """Wait for the job of the last delivery that made one."""
        return self.end_of(next(d.job for d in reversed(self.host.deliveries) if d.job))

    def end_of(self, job: str) -> JobRecord:
        return self.wait(lambda: self._settled(job))

    def over(self, job: str = "") -> JobRecord:
        """Wait until a job, or that of the last delivery that made one, is tried no more."""
        last = (d.job for d in reversed(self.host.deliveries) if d.job)
        return self.wait(partial(self._settled, job or next(last), "waiting"))

    def _settled(self, job: str, *not_yet: str) -> JobRecord | None:
        found = self.store.job(job)
        return found if found and found.state not in ("queued", "running", *not_yet) else None

    def wait(self, look: Callable[[], T | None]) -> T:
        """What it gives at last; a Redis that is away is waited for."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            with suppress(redis.RedisError):
                if (found := look()) is not None:
                    return found
            time.sleep(0.02)
        raise AssertionError(f"nothing came of it; log: {self.lines.getvalue()}")

    def strike(self, fault: str, place: str = "", times: int | None = 1) -> None:
        """Let a fault of the forge strike only one of its places: comments, labels, issues, repo,
        as they are written to."""
        row = self.box.faults.table[fault]
        if place:
            patterns = PATTERNS["github" if self.on == "github" else "gitlab"]
            row = replace(row, on=getattr(patterns, place))
        self.box.faults.armed.append(Armed(row, times, None))

    @contextmanager
    def meanwhile(self, deed: Callable[[], object]) -> Iterator[None]:
        """Do it once, when the model has been asked and before its answer arrives."""
        left = [deed]

        def watch(exchange: Exchange) -> None:
            if exchange.api in MODEL_APIS and left:
                left.pop()()

        self.box.observe(watch)
        yield
        self.box.log.observers.remove(watch)
        assert not left, "no model was asked"

    def a_minute_passes(self) -> None:
        """For the breaker's probe, and for what a forge has asked to wait for."""
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
        """Labels that did not exist before: never any."""
        return self.host.created_labels(self.repo)

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Log lines, all or those of one event; not of what earlier tests left waiting."""
        found = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        bot_accounts = [e for e in found if self.repo in e.get("issue", self.repo)]
        return [event for event in bot_accounts if name in (None, event["event"])]

    def ref(self, number: int) -> str:
        """How a person writes an issue of this repository."""
        return f"{self.on}:{self.repo}#{number}"
