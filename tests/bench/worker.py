"""Whole jobs of one worker: throughput, CPU and memory; the time until a job is picked up."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import redis

from bot.core import redis_keys
from bot.core.types import IssueRef, Job
from bot.embedded.valkey import EmbeddedRedis
from bot.queue.enqueue import RedisQueue
from tests.bench.forge import SECONDS
from tests.bench.processes import cpu_seconds, peak_mib, started
from tests.conftest import free_port
from tests.simulation import Sandbox

ROUNDS_EACH = 6  # jobs for each thread
# Those of a minute that search for older issues (`per_minute` in forges/*/search.py).
ISSUES_PER_ACCOUNT = 8
PICK_UPS = 40
REQUESTS = 9  # of a job, to forge (two of them searches) and model
_numbers = count(1)


@contextmanager
def environment(*forge_arguments: str) -> Iterator[dict[str, str]]:
    """Start Redis and the stub forge and model; yield the settings that point to them."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="tagline-") as folder,
        EmbeddedRedis(Path(folder)) as server,
        Sandbox().running() as box,
        started(["tests.bench.forge", str(port), *forge_arguments], port=port),
    ):
        base = f"http://127.0.0.1:{port}"
        yield {
            "REDIS_URL": server.url,
            "GITHUB_APP_ID": "1",
            "GITHUB_PRIVATE_KEY": box.private_key,
            "GITHUB_API_URL": base,
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "bench",
            "OPENAI_API_KEY": "bench-key",
            "OPENAI_BASE_URL": base,
            "LOG_FORMAT": "json",
        }


def enqueue(
    url: str, jobs: int, forge: str = "github", per_account: int = ISSUES_PER_ACCOUNT
) -> None:
    """Enqueue jobs as the receiver does."""

    async def put_all() -> None:
        queue = RedisQueue(url)
        put = (queue.put(_job(next(_numbers), forge, per_account)) for _ in range(jobs))
        await asyncio.gather(*put)
        await queue.close()

    asyncio.run(put_all())


def _job(number: int, forge: str, per_account: int) -> Job:
    host = "github.com" if forge == "github" else "127.0.0.1"
    account = number // per_account + 1
    ref = IssueRef(forge, host, f"acme/r{account}", number, account, str(account))
    return Job(f"bench-{number}", "opened", ref, time.time())


def measure_throughput(settings: Mapping[str, str], threads: int) -> tuple[float, float, float]:
    """Return the share of the ideal rate, CPU ms per job, and peak MiB with `threads` in flight."""
    jobs = threads * ROUNDS_EACH
    client = redis.Redis.from_url(settings["REDIS_URL"])
    enqueue(settings["REDIS_URL"], jobs)
    environment = {**settings, "WORKER_THREADS": str(threads)}
    with started(["bot", "worker"], environment) as process, client:
        while count_pending(client) >= jobs:  # a training may have been queued as well
            time.sleep(0.01)
        # The first job is done: all threads are busy, and the libraries are loaded.
        start, cpu, before = time.monotonic(), cpu_seconds(process.pid), count_pending(client)
        while count_pending(client) > threads:
            time.sleep(0.02)
        seconds = time.monotonic() - start
        done = before - count_pending(client)
        cpu = cpu_seconds(process.pid) - cpu
        memory = peak_mib(process.pid)
        wait_until_done(client)
    return done / seconds / (threads / SECONDS), cpu / done * 1000, memory


def count_pending(client: redis.Redis) -> int:
    """Return the number of jobs that are queued, delayed or running."""
    return client.hlen(redis_keys.QUEUE_MESSAGES) + client.hlen(redis_keys.DELAYED_MESSAGES)


def wait_until_done(client: redis.Redis) -> None:
    while count_pending(client):
        time.sleep(0.05)


def measure_bare_httpx(base: str) -> float:
    """Return the CPU ms of httpx alone for as many requests as a job makes: the reference."""
    rounds = []
    with httpx.Client(trust_env=False) as client:
        for _ in range(5):
            start = time.thread_time()
            for number in range(20 * REQUESTS):
                client.get(f"{base}/repos/acme/r1/issues/{number}").json()
            rounds.append((time.thread_time() - start) / 20 * 1000)
    return min(rounds)


def measure_pick_up(settings: Mapping[str, str]) -> tuple[float, float]:
    """Return the median seconds until a job leaves the queue, and an idle worker's CPU share."""
    client = redis.Redis.from_url(settings["REDIS_URL"])
    waits = []
    with started(["bot", "worker"], {**settings, "WORKER_THREADS": "8"}) as process, client:
        enqueue(settings["REDIS_URL"], 1)
        wait_until_done(client)
        for _ in range(PICK_UPS):
            time.sleep(0.15)
            start = time.monotonic()
            enqueue(settings["REDIS_URL"], 1)
            while client.llen(redis_keys.QUEUE):
                time.sleep(0.001)
            waits.append(time.monotonic() - start)
        wait_until_done(client)
        time.sleep(1)
        cpu = cpu_seconds(process.pid)
        time.sleep(10)
        idle = (cpu_seconds(process.pid) - cpu) / 10
    return statistics.median(waits), idle


def measure() -> Iterator[str]:
    """Yield the worker's figures."""
    with environment() as settings:
        for threads, goals in (
            (64, "; goals >= 0.95 of ideal, <= 12 ms"),
            (256, "; goal <= 125 MiB"),
        ):
            reference = measure_bare_httpx(settings["GITHUB_API_URL"])
            share, cpu, memory = measure_throughput(settings, threads)
            yield (
                f"worker, {threads} jobs in flight, model answers after {SECONDS:g} s:"
                f" {share:.2f} of ideal, {cpu:.1f} ms CPU a job, {cpu / reference:.1f} x its"
                f" {REQUESTS} requests by a bare httpx ({reference:.1f} ms),"
                f" {memory:.0f} MiB at most{goals}"
            )
        median, idle = measure_pick_up(settings)
        yield (
            f"pick-up of a job by an idle worker: p50 {median * 1000:.0f} ms, idle CPU"
            f" {idle * 100:.1f} %; goals <= 100 ms, <= 2 %"
        )
