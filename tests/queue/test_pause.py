"""The mark that pauses all workers: no new job is fetched, and running ones are not lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import dramatiq
import pytest
import redis

from bot.core.redis_keys import HEARTBEATS, PAUSE_ALL, PAUSED, QUEUE, QUEUE_NAME
from bot.queue.broker import Broker
from bot.queue.connection import connect
from bot.queue.pause import CHECK_SECONDS, PauseSwitch
from bot.wiring_periodic import POLLED, pausable_tasks
from tests.clock import Clock
from tests.queue.test_broker import fetch
from tests.waiting import wait_until


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url, 8)
    yield client
    client.close()
    client.connection_pool.disconnect()


def test_a_pause_keeps_jobs_in_the_queue_and_the_heartbeat_goes_on(client: redis.Redis) -> None:
    paused = [True]
    broker: Any = Broker(client, 300, lambda: paused[0])
    broker.declare_queue(QUEUE_NAME)
    broker.enqueue(dramatiq.Message(QUEUE_NAME, "enrich", (), {}, {}))
    consumer = broker.consume(QUEUE_NAME, prefetch=8, timeout=20)
    delayed = broker.consume(f"{QUEUE_NAME}.DQ", prefetch=8, timeout=20)
    assert fetch(consumer, 0.2) == 0
    assert client.llen(QUEUE) == 1
    next(delayed)
    before = client.zscore(HEARTBEATS, broker.broker_id)
    time.sleep(0.02)
    next(delayed)
    assert client.zscore(HEARTBEATS, broker.broker_id) != before
    paused[0] = False
    assert fetch(consumer, 0.2) == 1


def test_a_worker_reads_the_mark_once_a_second(client: redis.Redis) -> None:
    clock = Clock()
    switch = PauseSwitch(client, clock)
    assert not switch.is_on()
    switch.set()
    assert (switch.is_on(), switch.read()) == (False, True)
    clock.now += CHECK_SECONDS
    assert switch.is_on()
    client.set(PAUSED, 1)
    switch.clear()
    assert not client.exists(PAUSE_ALL, PAUSED)


def test_periodic_tasks_rest_during_a_pause_except_polling() -> None:
    paused, ran = [True], list[str]()

    def note(name: str) -> Any:
        return lambda: ran.append(name) or {}  # type: ignore[func-returns-value]

    tasks = {"searched": note("searched"), POLLED: note("polled")}
    for _ in range(2):
        periodic = pausable_tasks(tasks, lambda: paused[0], lambda: ran.append("reported"))
        periodic.start()
        wait_until(lambda: "polled" in ran and ("reported" if paused[0] else "searched") in ran)
        periodic.stop(5)
        if paused[0]:
            assert "searched" not in ran
            paused[0] = False
            ran.clear()
    assert "reported" not in ran
