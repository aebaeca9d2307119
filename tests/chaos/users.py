"""People who open issues on both hosts: texts with a planted word each, and who delivers them."""

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
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class IssueTemplate:
    """A text with a gap for the planted word, and the labels it must get."""

    title: str
    body: str
    github: frozenset[str]
    gitlab: frozenset[str]

    def labels(self, host: str) -> frozenset[str]:
        return self.github if host == "github" else self.gitlab


KINDS = (
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
class Opened:
    """An issue and how its deliveries were answered, in order; 0 = not at all."""

    host: str
    number: int
    word: str
    labels: frozenset[str]
    answers: list[int] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return ACCEPTED in self.answers

    def __str__(self) -> str:
        return f"{self.host}:{REPOS[self.host]}#{self.number}"


def words(dice: Random) -> Iterator[str]:
    """Words that nobody else writes, each once: `plant` and eight letters."""
    seen = set()
    while True:
        word = "plant" + "".join(dice.choices(SYLLABLES, k=4))
        if word not in seen:
            seen.add(word)
            yield word


class Users:
    """Opens issues, half on each host, and doubles a share of the deliveries."""

    def __init__(self, parts: Parts, dice: Random, doubled: float = 0.0) -> None:
        self._parts, self._dice, self._doubled = parts, dice, doubled
        self._words = words(dice)
        self._order = count()
        self._guard = Lock()
        self.opened: list[Opened] = []
        self.doubles = 0
        hosts = parts.box.hosts
        hosts["github"].add_repo(REPOS["github"], DEMO_LABELS)
        parts.box.gitlab.add_repo(REPOS["gitlab"], PROJECT_LABELS, group_labels=GROUP_LABELS)
        for name, host in hosts.items():
            host.set_config(REPOS[name], CONFIG)

    @property
    def planted(self) -> frozenset[str]:
        return frozenset(one.word for one in self.opened)

    @property
    def refused(self) -> int:
        """Issues none of whose deliveries was accepted; the forges do not try again."""
        return sum(not one.accepted for one in self.opened)

    def open_all(
        self, issues: int, rate: float, told: Callable[[int], object] = lambda _: None
    ) -> None:
        """Open so many, `rate` a second; `told` hears how many were begun."""
        started = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE, "crowd") as pool:
            jobs: list[Future[None]] = []
            for place in range(issues):
                time.sleep(max(0.0, started + place / rate - time.monotonic()))
                jobs.append(pool.submit(self._open, *self._drawn()))
                told(place + 1)
            for job in jobs:
                job.result()

    def _drawn(self) -> tuple[str, IssueTemplate, str, str, bool]:
        host = ("github", "gitlab")[next(self._order) % 2]
        author = f"author{self._dice.randrange(AUTHORS)}"
        twice = self._dice.random() < self._doubled
        return host, self._dice.choice(KINDS), next(self._words), author, twice

    def _open(self, name: str, kind: IssueTemplate, word: str, author: str, twice: bool) -> None:
        host = self._parts.box.hosts[name]
        title, body = kind.title.format(word), kind.body.format(word)
        # Known before anybody is told of it.
        number = host.open_issue(REPOS[name], title, body, author=author, deliver=False)
        one = Opened(name, number, word, kind.labels(name))
        with self._guard:
            self.opened.append(one)
            self.doubles += twice
        self._deliver(host, one, twice)

    def _deliver(self, host: Host, one: Opened, twice: bool) -> None:
        repo, issue = (
            host.state.repo(REPOS[one.host]),
            host.state.issue(REPOS[one.host], one.number),
        )
        for webhook in host.hooks.webhooks(Event("opened", repo, issue, issue.author)):
            for again in range(1 + twice):
                # A group's webhook tells the same under an id of its own.
                anew = again and one.number % 2
                sent = Webhook(webhook.event, webhook.body, hook=webhook.hook) if anew else webhook
                status = 0
                with suppress(httpx.TransportError):
                    status = host.hooks.post(sent).status_code
                one.answers.append(status)
