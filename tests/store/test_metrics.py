"""What processes count is added up in Redis, and waits for a Redis that does not answer."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
import redis

from bot import log
from bot.core.metric_definitions import Key
from bot.core.pricing import Limits
from bot.embedded.valkey import EmbeddedRedis
from bot.store.budgets import RedisBudgets
from bot.store.metrics import RedisMetrics
from tests.clock import Clock
from tests.fakes import NOW


@pytest.fixture
def counters(redis_url: str, clock: Clock) -> Callable[[], RedisMetrics]:
    return lambda: RedisMetrics(redis.Redis.from_url(redis_url), ["openai"], clock)


def test_what_all_processes_counted_is_added_up(counters: Callable[[], RedisMetrics]) -> None:
    one, two = counters(), counters()
    one.count("deliveries", "github", "queued")
    two.count("deliveries", "github", "queued")
    two.count("model_calls", 'a "model"', "status-500")
    two.close()
    one._client.set("tagline:breaker:openai:open", 1)
    one._client.set("tagline:breaker:a server:8080:answers", 7)  # of a worker's provider
    one._client.rpush("tagline:issues", "j-1", "j-2")
    one._client.hset(
        "tagline:issues.msgs", "j-1", json.dumps({"message_timestamp": NOW * 1000 - 90_000})
    )
    figures = one.snapshot()
    assert figures.counters == {
        ("deliveries", "github", "queued"): 2,
        ("model_calls", 'a "model"', "status-500"): 1,
    }
    assert figures.gauges == {
        ("queue_jobs", "waiting"): 2,
        ("queue_jobs", "later"): 0,
        ("queue_jobs", "dead"): 0,
        ("queue_oldest_seconds",): 90,
        ("paused",): 0,
        ("spent_usd",): 0,
        ("budget_alerts", "operator", "80"): 0,
        ("budget_alerts", "operator", "100"): 0,
        ("budget_alerts", "repository", "80"): 0,
        ("budget_alerts", "repository", "100"): 0,
        ("breaker_open", "openai"): 1,
        ("breaker_open", "a server:8080"): 0,
    }
    one.close()


def test_the_lowest_share_of_a_rate_limit_counts_until_that_limit_ends(
    counters: Callable[[], RedisMetrics], clock: Clock
) -> None:
    one, two = counters(), counters()
    one.report_rate("github", 0.9, NOW + 60)
    two.report_rate("github", 0.2, NOW + 50)
    for each in (two, one):
        each.flush()
    one.report_rate("gitlab", 0.5, NOW - 1)
    assert rates(one) == {("rate_left_ratio", "github"): 0.2}
    clock.now += 55
    assert rates(one) == {}
    one.report_rate("github", 0.7, NOW + 60)
    assert rates(two) == {}
    assert rates(one) == {("rate_left_ratio", "github"): 0.7}
    one.close()
    two.close()


def rates(metrics: RedisMetrics) -> dict[Key, float]:
    gauges = metrics.snapshot().gauges
    return {key: value for key, value in gauges.items() if key[0] == "rate_left_ratio"}


def test_each_budget_that_is_used_is_one_warning_a_day_for_all_workers(
    counters: Callable[[], RedisMetrics], redis_url: str, clock: Clock
) -> None:
    lines = io.StringIO()
    log.configure("info", "json", (), lines)
    workers = [RedisBudgets(redis.Redis.from_url(redis_url), clock) for _ in range(2)]
    limits = Limits(day_usd=1.0, repository_usd=0.5, author_per_hour=9)
    for n in range(30):
        workers[n % 2].reserve(f"github:github.com:{n % 3}", "", f"text {n}", 0.1, limits)
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    alerts = [(x["scope"], x.get("repository", ""), x["percent"]) for x in found]
    assert sorted(alerts) == [("operator", "", 80), ("operator", "", 100)]
    assert {x["level"] for x in found} == {"warning"}
    figures = counters().snapshot().gauges
    assert figures["spent_usd",] == figures["budget_used_ratio",] == 1
    assert figures["budget_alerts", "operator", "100"] == 1
    clock.now += 86_400
    for n in range(10):
        workers[n % 2].reserve("github:github.com:1", "", f"text {n}", 0.1, limits)
    found = [json.loads(line) for line in lines.getvalue().splitlines()][len(found) :]
    alerts = [(x["scope"], x.get("repository", ""), x["percent"]) for x in found]
    assert alerts == [
        ("repository", "github:github.com:1", 80),
        ("repository", "github:github.com:1", 100),
    ]
    figures = counters().snapshot().gauges
    assert figures["budget_alerts", "repository", "100"] == 1
    assert figures["budget_used_ratio",] == 0.5


def test_a_budget_of_nothing_is_no_warning(redis_url: str, clock: Clock) -> None:
    lines = io.StringIO()
    log.configure("info", "json", (), lines)
    budgets = RedisBudgets(redis.Redis.from_url(redis_url), clock)
    assert budgets.reserve("github:github.com:1", "", "text", 0.1, Limits(0.0, 0.5, 9)) == "day"
    assert lines.getvalue() == ""


def test_counts_wait_for_a_redis_that_does_not_answer(own_redis: EmbeddedRedis) -> None:
    one = RedisMetrics(redis.Redis.from_url(own_redis.url))
    own_redis.stop()
    one.count("jobs", "github", "answered")
    with pytest.raises(ConnectionError):
        one.snapshot()
    own_redis.start()
    assert one.snapshot().counters == {("jobs", "github", "answered"): 1}
    one.close()
