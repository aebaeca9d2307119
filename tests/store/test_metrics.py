"""What processes count is added up in Redis, and waits for a Redis that does not answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from bot.embedded.valkey import EmbeddedRedis
from bot.store.metrics import RedisMetrics


@pytest.fixture
def counters(redis_url: str) -> Callable[[], RedisMetrics]:
    return lambda: RedisMetrics(redis.Redis.from_url(redis_url), ["openai"])


def test_what_all_processes_counted_is_added_up(counters: Callable[[], RedisMetrics]) -> None:
    one, two = counters(), counters()
    one.count("deliveries", "github", "queued")
    two.count("deliveries", "github", "queued")
    two.count("model_calls", 'a "model"', "status-500")
    two.close()
    one._client.set("tagline:breaker:openai:open", 1)
    one._client.rpush("tagline:issues", "j-1", "j-2")
    figures = one.snapshot()
    assert figures.counters == {
        ("deliveries", "github", "queued"): 2,
        ("model_calls", 'a "model"', "status-500"): 1,
    }
    assert figures.gauges == {
        ("queue_jobs", "waiting"): 2,
        ("queue_jobs", "later"): 0,
        ("queue_jobs", "dead"): 0,
        ("breaker_open", "openai"): 1,
    }
    one.close()


def test_counts_wait_for_a_redis_that_does_not_answer(own_redis: EmbeddedRedis) -> None:
    one = RedisMetrics(redis.Redis.from_url(own_redis.url))
    own_redis.stop()
    one.count("jobs", "github", "answered")
    with pytest.raises(ConnectionError):
        one.snapshot()
    own_redis.start()
    assert one.snapshot().counters == {("jobs", "github", "answered"): 1}
    one.close()
