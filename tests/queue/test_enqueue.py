"""The receiver's atomic step on a real Redis, read by Dramatiq's own worker."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import dramatiq
import msgspec
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage

from bot.core import redis_keys
from bot.core.errors import QueueUnavailable
from bot.core.job_ids import make_opened_id
from bot.core.redis_keys import NAMESPACE, REPOSITORIES
from bot.core.types import IssueRef, Job
from bot.embedded.valkey import EmbeddedRedis
from bot.queue.broker import is_queued
from bot.queue.enqueue import ACTOR, PollQueue, RedisQueue, error_code
from tests.conftest import crash

REF = IssueRef("github", "github.com", "acme/widget", 41, 7001, "5001")


def delivery(name: str) -> Job:
    return Job(name, "opened", REF, 1_700_000_000.0)


def run(url: str, work: Callable[[RedisQueue], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        queue = RedisQueue(url)
        try:
            return await work(queue)
        finally:
            await queue.close()

    return asyncio.run(main())


def queued(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.llen(redis_keys.QUEUE))


def test_dramatiq_s_own_worker_runs_what_the_script_enqueues(redis_url: str) -> None:
    broker = RedisBroker(url=redis_url, namespace=NAMESPACE, middleware=[CurrentMessage()])
    seen: list[tuple[Job, str]] = []
    done = threading.Event()

    @dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=redis_keys.QUEUE_NAME)
    def enrich(delivery: dict[str, Any]) -> None:
        message = CurrentMessage.get_current_message()
        assert message is not None
        seen.append((msgspec.convert(delivery, Job), message.message_id))
        done.set()

    job = run(redis_url, lambda queue: queue.put(delivery("d-1")))
    worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=1)
    worker.start()
    assert done.wait(5)
    worker.stop()
    assert seen == [(delivery("d-1"), job)]
    with broker.client as client:
        assert client.hlen(redis_keys.QUEUE_MESSAGES) == 0
        client.connection_pool.disconnect()


def test_dramatiq_s_own_worker_runs_a_delayed_job_when_it_is_due(redis_url: str) -> None:
    broker = RedisBroker(url=redis_url, namespace=NAMESPACE, middleware=[])
    seen: list[tuple[Job, float]] = []
    done = threading.Event()

    @dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=redis_keys.QUEUE_NAME)
    def enrich(delivery: dict[str, Any]) -> None:
        seen.append((msgspec.convert(delivery, Job), time.time()))
        done.set()

    started, late = time.time(), replace(delivery("d-1"), kind="labels")
    job = run(redis_url, lambda queue: queue.put(late, 0.5))
    with redis.Redis.from_url(redis_url) as client:
        assert is_queued(client, job)
        assert queued(redis_url) == 0
    worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=1)
    worker.start()
    assert done.wait(5)
    worker.stop()
    ((ran, at),) = seen
    assert ran == late
    assert at >= started + 0.5
    with broker.client as client:
        assert client.hlen(redis_keys.DELAYED_MESSAGES) == 0
        client.connection_pool.disconnect()


def test_label_changes_do_not_use_up_the_jobs_of_an_account(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.queue.enqueue.MAX_PER_ACCOUNT", 2)

    async def put_all(queue: RedisQueue) -> list[str]:
        labels = [replace(delivery(f"labels-{n}"), kind="labels") for n in range(4)]
        jobs = [*labels, *(delivery(f"d-{n}") for n in range(4))]
        return await asyncio.gather(*(queue.put(job) for job in jobs))

    put: list[str] = run(redis_url, put_all)
    assert [bool(job) for job in put] == [True, True, False, False] * 2


def test_a_hundred_copies_at_once_are_one_job(redis_url: str) -> None:
    async def put_all(queue: RedisQueue) -> list[str]:
        return await asyncio.gather(*(queue.put(delivery("same")) for _ in range(100)))

    assert len(set(run(redis_url, put_all))) == 1
    assert queued(redis_url) == 1


def test_waiting_requests_share_one_pipeline(redis_url: str) -> None:
    async def put_all(queue: RedisQueue) -> list[str]:
        await queue.put(delivery("first"))
        return await asyncio.gather(*(queue.put(delivery(f"d-{n}")) for n in range(200)))

    with redis.Redis.from_url(redis_url) as client:
        before = client.info("stats")["total_reads_processed"]
        assert len(set(run(redis_url, put_all))) == 200
        assert client.info("stats")["total_reads_processed"] - before < 100
    assert queued(redis_url) == 201


def test_a_script_that_redis_forgot_is_loaded_again(redis_url: str) -> None:
    async def forget(queue: RedisQueue) -> None:
        await queue.put(delivery("d-1"))
        with redis.Redis.from_url(redis_url) as client:
            client.script_flush()
        await queue.put(delivery("d-2"))

    run(redis_url, forget)
    assert queued(redis_url) == 2


def test_a_claim_is_remembered_for_two_hours(redis_url: str) -> None:
    async def later(clock: float, name: str) -> str:
        queue = RedisQueue(redis_url, clock=lambda: clock)
        try:
            return await queue.put(delivery(name))
        finally:
            await queue.close()

    first = asyncio.run(later(1_000_000.0, "d"))
    assert asyncio.run(later(1_000_000.0 + 7_199, "d")) == first
    assert asyncio.run(later(1_000_000.0 + 14_400, "d")) != first


def test_a_redis_that_never_answers_is_reported_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        started = time.monotonic()
        with pytest.raises(QueueUnavailable):
            run(url, lambda queue: queue.put(delivery("d")))
        assert time.monotonic() - started < 5.0  # about 1.5 on an idle machine


def test_a_refusal_of_redis_is_reported_by_its_code_only() -> None:
    refusal = redis.ResponseError("MISCONF Errors writing to the AOF file: No space left")
    assert error_code(refusal) == "MISCONF"
    assert error_code(redis.TimeoutError("secret")) == "TimeoutError"


def test_a_restarted_redis_takes_the_very_next_delivery(own_redis: EmbeddedRedis) -> None:
    async def around_a_restart(queue: RedisQueue) -> None:
        await asyncio.gather(queue.put(delivery("before")), queue.ping())
        crash(own_redis)
        own_redis.start()
        await queue.put(delivery("after"))

    run(own_redis.url, around_a_restart)
    assert queued(own_redis.url) == 2


def test_the_queue_holds_identifiers_only(redis_url: str) -> None:
    run(
        redis_url,
        lambda queue: queue.put(replace(delivery("d-1"), comment=77, commands=("redo", "why"))),
    )
    with redis.Redis.from_url(redis_url) as client:
        (message,) = client.hvals(redis_keys.QUEUE_MESSAGES)
    job = msgspec.json.decode(message)["kwargs"]["delivery"]
    assert set(job) == {"id", "kind", "ref", "received_at", "comment", "commands"}
    assert (job["comment"], job["commands"]) == (77, ["redo", "why"])


def test_a_flood_of_one_installation_stops_filling_redis_and_does_not_affect_the_others(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.queue.enqueue.MAX_PER_ACCOUNT", 3)
    other = replace(delivery("other"), ref=replace(REF, account="5002"))

    async def put_all(queue: RedisQueue) -> list[str]:
        jobs = [await queue.put(delivery(f"d-{n}")) for n in range(5)]
        return [*jobs, await queue.put(delivery("d-0")), await queue.put(other)]

    *first, surplus, more, again, of_other = run(redis_url, put_all)
    assert all(first)
    assert (surplus, more, again) == ("", "", first[0])
    assert of_other
    assert queued(redis_url) == 4


def test_a_redis_that_lost_everything_gets_the_repositories_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.queue.enqueue.REPOSITORIES_SECONDS", 0.02)

    async def put_and_forget(queue: RedisQueue) -> Any:
        await queue.put(delivery("d-1"))
        with redis.Redis.from_url(redis_url) as client:
            assert client.hexists(REPOSITORIES, REF.repo_account_key)
            client.flushdb()
            until = time.monotonic() + 5
            while not client.exists(REPOSITORIES) and time.monotonic() < until:
                await asyncio.sleep(0.01)
            return client.hget(REPOSITORIES, REF.repo_account_key)

    kept = run(redis_url, put_and_forget)
    assert msgspec.json.decode(kept, type=IssueRef) == replace(REF, number=0)


def test_a_delivery_that_is_wrong_about_the_account_leaves_the_right_repository_known(
    redis_url: str,
) -> None:
    wrong = replace(delivery("d-2"), ref=replace(REF, account="5002", repo="evil/widget"))

    async def put(queue: RedisQueue) -> None:
        await queue.put(delivery("d-1"))
        await queue.put(wrong)

    run(redis_url, put)
    with redis.Redis.from_url(redis_url) as client:
        known = [msgspec.json.decode(row, type=IssueRef) for row in client.hvals(REPOSITORIES)]
    assert replace(REF, number=0) in known


def test_of_a_webhook_and_polling_the_second_one_repeats_the_first_s_job(redis_url: str) -> None:
    other = replace(REF, number=42)
    polled = {ref.number: Job(make_opened_id(ref), "opened", ref, 0.0) for ref in (REF, other)}
    first = run(redis_url, lambda queue: queue.put(delivery("d-1")))
    with redis.Redis.from_url(redis_url) as client:
        (same, new) = PollQueue(client).put([(polled[41], 0.0), (polled[42], 0.0)])
        assert same == first
        assert PollQueue(client).put([(polled[42], 0.0)]) == [new]
    late = replace(delivery("d-2"), ref=other)
    assert run(redis_url, lambda queue: queue.put(late)) == new
    assert queued(redis_url) == 2


def test_the_right_account_s_opening_is_not_claimed_by_a_wrong_one(redis_url: str) -> None:
    wrong = replace(delivery("d-1"), ref=replace(REF, account="9999"))
    run(redis_url, lambda queue: queue.put(wrong))
    with redis.Redis.from_url(redis_url) as client:
        PollQueue(client).put([(Job(make_opened_id(REF), "opened", REF, 0.0), 0.0)])
    assert queued(redis_url) == 2


def test_polling_makes_its_repositories_known(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert PollQueue(client).put([]) == []
        PollQueue(client).put([(delivery("d-1"), 0.0)])
        assert len(client.hgetall(REPOSITORIES)) == 1
