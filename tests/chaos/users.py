"""Simulated users who open issues on both hosts, each with a unique word; their deliveries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from threading import Lock

import httpx

from bot.sandbox.demo import DEMO_LABELS, GROUP_LABELS, PROJECT_LABELS
from bot.sandbox.state import Event
from bot.sandbox.webhooks import Webhook
from tests.chaos.parts import Parts
from tests.simulation import Host

REPOS = {"github": "acme/storm", "gitlab": "acme/gale"}
# Budgets are off.
CONFIG = "version: 1\nbudget: {per_day_usd: 100000, per_author_per_hour: 100000}\n"
ACCEPTED = 202
SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
AUTHORS = 40
CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class IssueTemplate:
    """A text with a placeholder for the issue's unique word, and its expected labels."""

    title: str
    body: str
    github: frozenset[str]
    gitlab: frozenset[str]

    def labels(self, host: str) -> frozenset[str]:
        return self.github if host == "github" else self.gitlab


TEMPLATES = (
    IssueTemplate(
        "Login fails with an exception when {} is on",
        "The session of {} crashes with an error. The login page stays empty.",
        frozenset({"bug", "area/login"}),
        frozenset({"type::bug", "area::login"}),
    ),
    IssueTemplate(
        "Add an option to export {} over the API",
        "It would be nice to have a new feature: export {} over the REST api.",
        frozenset({"enhancement", "area/api"}),
        frozenset({"type::feature", "area::api"}),
    ),
    IssueTemplate(
        "How do I configure {}?",
        "I read the pages on {} twice. What is the right way to do it?",
        frozenset({"question"}),
        frozenset({"type::question"}),
    ),
)


@dataclass(slots=True)
class OpenedIssue:
    """An issue and the statuses of its deliveries, in order; 0 = no response."""

    host: str
    number: int
    word: str
    labels: frozenset[str]
    statuses: list[int] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return ACCEPTED in self.statuses

    def __str__(self) -> str:
        return f"{self.host}:{REPOS[self.host]}#{self.number}"


def unique_words(rng: Random) -> Iterator[str]:
    """Yield words that occur nowhere else, each once: `plant` and eight letters."""
    seen = set()
    while True:
        word = "plant" + "".join(rng.choices(SYLLABLES, k=4))
        if word not in seen:
            seen.add(word)
            yield word


class Users:
    """Opens issues, half on each host, and repeats a share of the deliveries."""

    def __init__(self, parts: Parts, rng: Random, repeated: float = 0.0) -> None:
        self._parts, self._rng, self._repeated = parts, rng, repeated
        self._words = unique_words(rng)
        self._order = count()
        self._lock = Lock()
        self.opened: list[OpenedIssue] = []
        self.repeats = 0
        hosts = parts.box.hosts
        hosts["github"].add_repo(REPOS["github"], DEMO_LABELS)
        parts.box.gitlab.add_repo(REPOS["gitlab"], PROJECT_LABELS, group_labels=GROUP_LABELS)
        for name, host in hosts.items():
            host.set_config(REPOS[name], CONFIG)

    @property
    def words(self) -> frozenset[str]:
        return frozenset(one.word for one in self.opened)

    @property
    def refused(self) -> int:
        """The number of issues without an accepted delivery; the forges do not retry."""
        return sum(not one.accepted for one in self.opened)

    def open_all(
        self, issues: int, rate: float, report: Callable[[int], object] = lambda _: None
    ) -> None:
        """Open issues, `rate` a second; call `report` with the number so far."""
        started = time.monotonic()
        with ThreadPoolExecutor(CONCURRENCY, "users") as pool:
            jobs: list[Future[None]] = []
            for index in range(issues):
                time.sleep(max(0.0, started + index / rate - time.monotonic()))
                jobs.append(pool.submit(self._open, *self._choose()))
                report(index + 1)
            for job in jobs:
                job.result()

    def _choose(self) -> tuple[str, IssueTemplate, str, str, bool]:
        host = ("github", "gitlab")[next(self._order) % 2]
        author = f"author{self._rng.randrange(AUTHORS)}"
        twice = self._rng.random() < self._repeated
        return host, self._rng.choice(TEMPLATES), next(self._words), author, twice

    def _open(self, name: str, kind: IssueTemplate, word: str, author: str, twice: bool) -> None:
        host = self._parts.box.hosts[name]
        title, body = kind.title.format(word), kind.body.format(word)
        # Recorded before its delivery.
        number = host.open_issue(REPOS[name], title, body, author=author, deliver=False)
        one = OpenedIssue(name, number, word, kind.labels(name))
        with self._lock:
            self.opened.append(one)
            self.repeats += twice
        self._deliver(host, one, twice)

    def _deliver(self, host: Host, one: OpenedIssue, twice: bool) -> None:
        repo, issue = (
            host.state.repo(REPOS[one.host]),
            host.state.issue(REPOS[one.host], one.number),
        )
        for webhook in host.hooks.webhooks(Event("opened", repo, issue, issue.author)):
            for again in range(1 + twice):
                # A group's webhook delivers the same event with another id.
                new_id = again and one.number % 2
                copy = Webhook(webhook.event, webhook.body, hook=webhook.hook)
                status = 0
                with suppress(httpx.TransportError):
                    status = host.hooks.post(copy if new_id else webhook).status_code
                one.statuses.append(status)
