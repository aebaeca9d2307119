"""f046 and f084: a thousand issues in an outage, and at once, on a simulated clock."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import Any

import pytest
import redis

from bot.core.errors import ModelFailed, RateLimited
from bot.core.ports import FAILURES_TO_OPEN, PROBE_SECONDS
from bot.core.prompt import Prompt
from bot.core.types import Job, Label
from bot.flow.context import JobContext
from bot.flow.process import process
from bot.flow.retry_fallbacks import FallbackRetries
from bot.forges.github.api import GitHub
from bot.llm.breaker import CircuitBreaker
from bot.store.rate_limiter import RedisRateLimiter
from tests.fakes import (
    NOW,
    REF,
    VARIABLES,
    FakeForge,
    ScriptedModel,
    make_context,
    make_issue,
    make_provider,
    model_reply,
)
from tests.memory_store import MemoryStore

ISSUES = 1000
HOUR, MINUTE = 3600.0, 60.0
LABELS = (Label("bug"), Label("area/login"), Label("needs-review"))
TITLE = "Login button does nothing in Firefox 131"
BODY = "After the 4.2 upgrade the login button does nothing. It crashed with an exception."
ANSWER = model_reply("The login button does nothing.", ("area/login", "sure", "login button"))


class LoadCase:
    """A thousand issues, each with its own forge, and a clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.store = MemoryStore(lambda: self.now)
        self.forges = [self._forge(number) for number in range(ISSUES)]

    def _forge(self, number: int) -> FakeForge:
        issue = make_issue(f"{TITLE}, report {number}", BODY)
        issue = replace(issue, ref=replace(REF, number=number), author=f"author-{number}")
        return FakeForge(issue, LABELS, rate=GitHub.rate)

    def make_job(self, number: int) -> Job:
        return Job(f"d-{number}", "opened", self.forges[number].current.ref, self.now)


class Provider(ScriptedModel):
    """Times out until `available`; records the time of each request."""

    def __init__(self, case: LoadCase) -> None:
        super().__init__()
        self.case, self.available = case, False
        self.moments: list[float] = []

    def complete(self, prompt: Prompt, parse: Any) -> Any:
        self.moments.append(self.case.now)
        self.answers = [ANSWER if self.available else ModelFailed("timeout", outage=True)]
        return super().complete(prompt, parse)


@pytest.mark.slow
def test_f046_an_hour_without_a_model_costs_labels_at_once_and_comments_after_it() -> None:
    case = LoadCase()
    provider = Provider(case)
    breaker = CircuitBreaker(case.store, "provider", VARIABLES)
    model = make_provider(provider, breaker)
    retries = FallbackRetries(case.store.retry_schedule, case.store, ["provider"], lambda: case.now)

    def job(delivery: Job) -> None:
        forge = case.forges[delivery.ref.number]
        process(delivery, make_context(forge, model, case.store, model_retries=retries))

    for tick in range(int(HOUR)):
        case.now += 1
        if tick * ISSUES // HOUR != (tick + 1) * ISSUES // HOUR:
            number = int(tick * ISSUES // HOUR)
            job(case.make_job(number))
            forge = case.forges[number]
            assert (forge.current.labels, forge.own_comments) == (("bug", "needs-review"), [])
        if tick % 10 == 0:
            retries.run_once(job)
    assert all(forge.own_comments == [] for forge in case.forges)
    first, rest = provider.moments[:FAILURES_TO_OPEN], provider.moments[FAILURES_TO_OPEN:]
    assert len(first) == FAILURES_TO_OPEN
    gaps = [b - a for a, b in zip([first[-1], *rest], rest, strict=False)]
    assert min(gaps) >= PROBE_SECONDS
    assert 50 <= len(rest) <= 60
    provider.available, returned = True, case.now
    while not all(forge.own_comments for forge in case.forges):
        case.now += 10
        retries.run_once(job)
        assert case.now - returned <= 10 * MINUTE
    for forge in case.forges:
        assert forge.writes.count("comment") == 1
        assert forge.current.labels == ("area/login",)


@pytest.mark.slow
def test_f084_a_thousand_issues_at_once_are_rate_limited_and_each_gets_one_comment(
    redis_url: str,
) -> None:
    case, comment_times = LoadCase(), list[float]()
    with redis.Redis.from_url(redis_url) as client:
        rate_limiter = RedisRateLimiter(client, lambda: case.now)
        contexts = [
            make_context(forge, None, case.store, rate_limiter=rate_limiter)
            for forge in case.forges
        ]
        waiting = [(NOW + number * MINUTE / ISSUES, number) for number in range(ISSUES)]
        jobs = {number: case.make_job(number) for number in range(ISSUES)}
        while waiting:
            case.now, number = heapq.heappop(waiting)
            if (delay := _process(jobs[number], contexts[number])) is None:
                comment_times.append(case.now)
            else:
                heapq.heappush(waiting, (case.now + delay, number))
    assert [forge.writes.count("comment") for forge in case.forges] == [1] * ISSUES
    assert min(b - a for a, b in zip(comment_times, comment_times[80:], strict=False)) >= MINUTE
    assert min(b - a for a, b in zip(comment_times, comment_times[500:], strict=False)) >= HOUR
    assert comment_times[-1] - NOW <= 2.5 * HOUR, "not slower than the limits require"


def _process(delivery: Job, context: JobContext) -> float | None:
    """Return None, or the seconds until the job's next try."""
    try:
        process(delivery, context)
    except RateLimited as limited:
        return limited.after
    return None
