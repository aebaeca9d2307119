"""Jobs a second of several worker processes on one Redis, compared with the ideal rate.

`python -m tests.bench.scale` prints this section alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import redis

from tests.bench.forge import SECONDS
from tests.bench.processes import cpu_seconds, peak_mib, started
from tests.bench.worker import (
    count_pending,
    enqueue,
    environment,
    wait_until_done,
)

WORKERS = (1, 2, 4)
THREADS = 32
JOBS = 768  # the same for each number of workers: six rounds of the threads of four


@dataclass(frozen=True, slots=True)
class Throughput:
    """`rate` is in jobs a second, `share` that of the ideal rate, `memory` in MiB, at most, of
    each worker; `cpu_ms` is a job's in the workers."""

    rate: float
    share: float
    memory: tuple[float, ...]
    cpu_ms: float


def measure_throughput(settings: Mapping[str, str], workers: int, jobs: int = JOBS) -> Throughput:
    """Run jobs by some workers; the time counts from the first end of a job to the last start."""
    client = redis.Redis.from_url(settings["REDIS_URL"])
    enqueue(settings["REDIS_URL"], jobs)
    variables = {**settings, "WORKER_THREADS": str(THREADS)}
    with client, ExitStack() as stack:
        processes = [
            stack.enter_context(started(["bot", "worker"], variables)) for _ in range(workers)
        ]
        while count_pending(client) > jobs - workers * THREADS:  # all are ready and busy
            time.sleep(0.02)
        before, start = count_pending(client), time.monotonic()
        cpu = sum(cpu_seconds(process.pid) for process in processes)
        while count_pending(client) > workers * THREADS:
            time.sleep(0.02)
        seconds, done = time.monotonic() - start, before - count_pending(client)
        cpu = sum(cpu_seconds(process.pid) for process in processes) - cpu
        memory = tuple(peak_mib(process.pid) for process in processes)
        wait_until_done(client)
    rate = done / seconds
    return Throughput(rate, rate * SECONDS / (workers * THREADS), memory, cpu / done * 1000)


def measure() -> Iterator[str]:
    """Yield the figures of one, two and four workers."""
    with environment() as settings:
        one = 0.0
        for workers in WORKERS:
            found = measure_throughput(settings, workers)
            one = one or found.rate
            yield (
                f"{workers} x worker of {THREADS} threads, one Redis, {JOBS:,} jobs, model answers"
                f" after {SECONDS:g} s: {found.rate:.1f} jobs a second, {found.rate / one:.2f} x"
                f" one worker, {found.share:.2f} of ideal, {found.cpu_ms:.1f} ms CPU a job,"
                f" {max(found.memory):.0f} MiB each at most"
            )


if __name__ == "__main__":
    for line in measure():
        print(f"- {line}", flush=True)
