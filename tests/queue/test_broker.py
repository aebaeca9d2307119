"""Defects of Dramatiq that our broker corrects. Each test also shows that the original has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed

from bot.core.redis_keys import NAMESPACE, QUEUE_NAME
from bot.queue.broker import Broker
from bot.queue.connection import connect

Make = Callable[..., RedisBroker]
HEARTBEAT_MS = 300


@pytest.fixture
def brokers(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Make]]:
    # 999 of 1,000 draws of the stock broker mean: do not look for dead workers.
    monkeypatch.setattr("dramatiq.brokers.redis.random.randint", lambda low, high: high // 2)
    made: list[RedisBroker] = []

    def corrected(**_: Any) -> RedisBroker:
        made.append(Broker(connect(redis_url, 8), heartbeat_ms=HEARTBEAT_MS))
        return made[-1]

    def stock(**_: Any) -> RedisBroker:
        client = redis.Redis.from_url(redis_url)
        made.append(
            RedisBroker(
                client=client, namespace=NAMESPACE, heartbeat_timeout=HEARTBEAT_MS, middleware=[]
            )
        )
        return made[-1]

    yield {"ours": corrected, "stock": stock}
    for broker in made:
        broker.client.close()
        broker.client.connection_pool.disconnect()


def message() -> dramatiq.Message[None]:
    return dramatiq.Message(QUEUE_NAME, "enrich", (), {}, {})


def fetch(consumer: Any, seconds: float = 1.5) -> int:
    """Return how many messages a consumer gets within some time."""
    until, found = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        found += next(consumer) is not None
    return found


def jobs_of_a_killed_worker_come_back(make: Make) -> bool:
    dead, alive = make(), make()
    for _ in range(4):
        dead.enqueue(message())
    assert fetch(dead.consume(QUEUE_NAME, prefetch=8, timeout=20), 0.2) == 4
    time.sleep(HEARTBEAT_MS / 1000)
    return fetch(alive.consume(QUEUE_NAME, prefetch=8, timeout=20)) == 4


def delayed_jobs_survive_a_lost_connection(make: Make) -> bool:
    broker = make()
    broker.enqueue(message(), delay=60_000)
    delayed = f"{QUEUE_NAME}.DQ"
    assert fetch(broker.consume(delayed, prefetch=8, timeout=20), 0.2) == 1
    # After a lost connection the consumer thread makes a new consumer and an empty delay queue.
    return fetch(broker.consume(delayed, prefetch=8, timeout=20), 0.3) == 1


def fetched_jobs_that_do_not_run_survive_a_lost_connection(make: Make) -> bool:
    broker = make()
    for _ in range(3):
        broker.enqueue(message())
    first = broker.consume(QUEUE_NAME, prefetch=8, timeout=20)
    assert next(first) is not None  # one runs, two wait in memory
    return fetch(broker.consume(QUEUE_NAME, prefetch=8, timeout=20), 0.3) == 2


SCENARIOS = [
    jobs_of_a_killed_worker_come_back,
    delayed_jobs_survive_a_lost_connection,
    fetched_jobs_that_do_not_run_survive_a_lost_connection,
]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ours", "stock"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_only_our_broker_loses_nothing(
    brokers: dict[str, Make], scenario: Callable[[Make], bool], kind: str
) -> None:
    assert scenario(brokers[kind]) is (kind == "ours")


@pytest.mark.parametrize(
    ("kind", "error"), [(Broker, ConnectionClosed), (RedisBroker, redis.TimeoutError)]
)
def test_an_acknowledgement_that_times_out_counts_as_a_lost_connection(
    redis_url: str, kind: type[RedisBroker], error: type[Exception]
) -> None:
    with redis.Redis.from_url(redis_url, socket_timeout=0.2) as impatient:
        broker = kind(client=impatient)
        broker.enqueue(message())
        consumer = broker.consume(QUEUE_NAME, prefetch=1, timeout=20)
        held = next(consumer)
        assert held is not None
        with redis.Redis.from_url(redis_url) as other:
            other.client_pause(400, all=True)
            with pytest.raises(error):
                consumer.ack(held)
            time.sleep(0.5)
