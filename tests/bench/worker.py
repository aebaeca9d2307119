"""Whole jobs of one worker: how near to the ideal of its threads, CPU and memory; the pick-up."""

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

from bot.core.types import IssueRef, Job
from bot.embedded.valkey import EmbeddedRedis
from bot.queue.enqueue import NAMESPACE, QUEUE, RedisQueue
from tests.bench.forge import SECONDS
from tests.bench.processes import cpu_seconds, peak_mib, started
from tests.conftest import free_port
from tests.simulation import Sandbox

ROUNDS_EACH = 6  # jobs for each thread
AN_ACCOUNT = 60  # issues; more of one would be paced
PICK_UPS = 40
REQUESTS = 7  # of a job, to forge and model
_numbers = count(1)


@contextmanager
def scenery() -> Iterator[dict[str, str]]:
    """Redis, the canned forge and model; the settings that lead to them."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="tagline-") as folder,
        EmbeddedRedis(Path(folder)) as server,
        started(["tests.bench.forge", str(port)], port=port),
    ):
        base = f"http://127.0.0.1:{port}"
        yield {
            "REDIS_URL": server.url,
            "GITHUB_APP_ID": "1",
            "GITHUB_PRIVATE_KEY": Sandbox().private_key,
            "GITHUB_API_URL": base,
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "bench",
            "OPENAI_API_KEY": "bench-key",
            "OPENAI_BASE_URL": base,
            "LOG_FORMAT": "json",
        }


def fill(url: str, jobs: int) -> None:
    """Enqueue jobs as the door does."""

    async def put() -> None:
        queue = RedisQueue(url)
        await asyncio.gather(*(queue.put(_delivery(next(_numbers))) for _ in range(jobs)))
        await queue.close()

    asyncio.run(put())


def _delivery(number: int) -> Job:
    account = number // AN_ACCOUNT + 1
    ref = IssueRef("github", "github.com", f"acme/r{account}", number, account, str(account))
    return Job(f"bench-{number}", "opened", ref, time.time())


def at_work(settings: Mapping[str, str], threads: int) -> tuple[float, float, float]:
    """Share of the ideal rate, CPU milliseconds a job, and peak MiB with so many in flight."""
    jobs = threads * ROUNDS_EACH
    client = redis.Redis.from_url(settings["REDIS_URL"])
    fill(settings["REDIS_URL"], jobs)
    environment = {**settings, "WORKER_THREADS": str(threads)}
    with started(["bot", "worker"], environment) as process, client:
        while client.hlen(f"{NAMESPACE}:{QUEUE}.msgs") == jobs:
            time.sleep(0.01)
        # The first job is done: all threads are at work, and the libraries are loaded.
        begun, spent, left = time.monotonic(), cpu_seconds(process.pid), _left(client)
        while _left(client) > threads:
            time.sleep(0.02)
        seconds = time.monotonic() - begun
        done = left - _left(client)
        spent = cpu_seconds(process.pid) - spent
        memory = peak_mib(process.pid)
        while _left(client):
            time.sleep(0.05)
    return done / seconds / (threads / SECONDS), spent / done * 1000, memory


def _left(client: redis.Redis) -> int:
    return client.hlen(f"{NAMESPACE}:{QUEUE}.msgs")


def bare(base: str) -> float:
    """CPU milliseconds for as many requests as a job makes, by httpx alone: the reference."""
    rounds = []
    with httpx.Client(trust_env=False) as client:
        for _ in range(5):
            begun = time.thread_time()
            for number in range(20 * REQUESTS):
                client.get(f"{base}/repos/acme/r1/issues/{number}").json()
            rounds.append((time.thread_time() - begun) / 20 * 1000)
    return min(rounds)


def pick_up(settings: Mapping[str, str]) -> tuple[float, float]:
    """Median of seconds from the queue to a worker's hands; an idle worker's share of a CPU."""
    client = redis.Redis.from_url(settings["REDIS_URL"])
    waits = []
    with started(["bot", "worker"], {**settings, "WORKER_THREADS": "8"}) as process, client:
        fill(settings["REDIS_URL"], 1)
        while _left(client):
            time.sleep(0.05)
        for _ in range(PICK_UPS):
            time.sleep(0.15)
            begun = time.monotonic()
            fill(settings["REDIS_URL"], 1)
            while client.llen(f"{NAMESPACE}:{QUEUE}"):
                time.sleep(0.001)
            waits.append(time.monotonic() - begun)
        while _left(client):
            time.sleep(0.05)
        time.sleep(1)
        spent = cpu_seconds(process.pid)
        time.sleep(10)
        idle = (cpu_seconds(process.pid) - spent) / 10
    return statistics.median(waits), idle


def measure() -> Iterator[str]:
    """The figures of the worker."""
    with scenery() as settings:
        for threads, goals in (
            (64, "; goals >= 0.90 of ideal, <= 10 ms"),
            (256, "; goal <= 120 MiB"),
        ):
            reference = bare(settings["GITHUB_API_URL"])
            share, cpu, memory = at_work(settings, threads)
            yield (
                f"worker, {threads} jobs in flight, model answers after {SECONDS:g} s:"
                f" {share:.2f} of ideal, {cpu:.1f} ms CPU a job, {cpu / reference:.1f} x its"
                f" {REQUESTS} requests by a bare httpx ({reference:.1f} ms),"
                f" {memory:.0f} MiB at most{goals}"
            )
        median, idle = pick_up(settings)
        yield (
            f"pick-up of a job by an idle worker: p50 {median * 1000:.0f} ms, idle CPU"
            f" {idle * 100:.1f} %; goals <= 100 ms, <= 2 %"
        )
