"""f046 and f084: a thousand issues in an outage, and at once, on a clock that the test moves."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import Any

import redis

from bot.core.errors import ModelFailed, RateLimited
from bot.core.ports import FAILURES_TO_OPEN, PROBE_SECONDS
from bot.core.prompt import Prompt
from bot.core.types import Job, Label
from bot.flow.context import JobContext
from bot.flow.process import process
from bot.flow.retry_fallbacks import FallbackRetries
from bot.forges.github.api import GitHub
from bot.llm.breaker import CircuitBreaker, StoredProviderHealth
from bot.store.rate_limiter import RedisRateLimiter
from tests.fakes import NOW, REF, FakeForge, ScriptedModel, a_context, a_provider, an_issue, says
from tests.memory_store import MemoryStore

ISSUES = 1000
HOUR, MINUTE = 3600.0, 60.0
LABELS = (Label("bug"), Label("area/login"), Label("needs-review"))
TITLE = "Login button does nothing in Firefox 131"
BODY = "After the 4.2 upgrade the login button does nothing. It crashed with an exception."
ANSWER = says("The login button does nothing.", ("area/login", "sure", "login button"))


class Town:
    """A thousand issues, each at a forge of its own, and a clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.store = MemoryStore(lambda: self.now)
        self.forges = [self._forge(number) for number in range(ISSUES)]

    def _forge(self, number: int) -> FakeForge:
        issue = an_issue(TITLE, f"{BODY} Its number was {number}.")
        mine = replace(issue, ref=replace(REF, number=number), author=f"author-{number}")
        return FakeForge(mine, LABELS, rate=GitHub.rate)

    def opening(self, number: int) -> Job:
        return Job(f"d-{number}", "opened", self.forges[number].found.ref, self.now)


class Provider(ScriptedModel):
    """Silent until it is back; notes when it was asked."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self.town, self.back = town, False
        self.moments: list[float] = []

    def complete(self, prompt: Prompt, parse: Any) -> Any:
        self.moments.append(self.town.now)
        self.answers = [ANSWER if self.back else ModelFailed("timeout", outage=True)]
        return super().complete(prompt, parse)


def test_f046_an_hour_without_a_model_costs_labels_at_once_and_comments_after_it() -> None:
    town = Town()
    provider = Provider(town)
    breaker = CircuitBreaker(town.store, "provider", "OPENAI_API_KEY", "LLM_MODEL")
    model = a_provider(provider, breaker)
    provider_health = StoredProviderHealth(town.store, ["provider"])
    retries = FallbackRetries(town.store.retry_schedule, provider_health, lambda: town.now)

    def job(delivery: Job) -> None:
        forge = town.forges[delivery.ref.number]
        process(delivery, a_context(forge, model, town.store, retries=retries))

    for tick in range(int(HOUR)):
        town.now += 1
        if tick * ISSUES // HOUR != (tick + 1) * ISSUES // HOUR:
            number = int(tick * ISSUES // HOUR)
            job(town.opening(number))
            forge = town.forges[number]
            assert (forge.found.labels, forge.own_comments) == (("bug", "needs-review"), [])
        if tick % 10 == 0:
            retries.run_once(job)
    assert all(forge.own_comments == [] for forge in town.forges)
    first, rest = provider.moments[:FAILURES_TO_OPEN], provider.moments[FAILURES_TO_OPEN:]
    assert len(first) == FAILURES_TO_OPEN
    apart = [b - a for a, b in zip([first[-1], *rest], rest, strict=False)]
    assert min(apart) >= PROBE_SECONDS
    assert 50 <= len(rest) <= 60
    provider.back, returned = True, town.now
    while not all(forge.own_comments for forge in town.forges):
        town.now += 10
        retries.run_once(job)
        assert town.now - returned <= 10 * MINUTE
    for forge in town.forges:
        assert forge.writes.count("comment") == 1
        assert forge.found.labels == ("area/login",)


def test_f084_a_thousand_issues_at_once_are_paced_none_lost_none_doubled(redis_url: str) -> None:
    town, said = Town(), list[float]()
    with redis.Redis.from_url(redis_url) as client:
        rate_limiter = RedisRateLimiter(client, lambda: town.now)
        contexts = [
            a_context(forge, None, town.store, rate_limiter=rate_limiter) for forge in town.forges
        ]
        waiting = [(NOW + number * MINUTE / ISSUES, number) for number in range(ISSUES)]
        jobs = {number: town.opening(number) for number in range(ISSUES)}
        while waiting:
            town.now, number = heapq.heappop(waiting)
            if (again := _posted(jobs[number], contexts[number])) is None:
                said.append(town.now)
            else:
                heapq.heappush(waiting, (town.now + again, number))
    assert [forge.writes.count("comment") for forge in town.forges] == [1] * ISSUES
    assert min(b - a for a, b in zip(said, said[80:], strict=False)) >= MINUTE
    assert min(b - a for a, b in zip(said, said[500:], strict=False)) >= HOUR
    assert said[-1] - NOW <= 2.5 * HOUR, "no slower than it must be"


def _posted(delivery: Job, context: JobContext) -> float | None:
    """None, or the seconds after which the job wants to come again."""
    try:
        process(delivery, context)
    except RateLimited as busy:
        return busy.after
    return None
