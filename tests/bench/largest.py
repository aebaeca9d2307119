"""A worker's memory with the largest bodies that the platforms allow.

`python -m tests.bench.largest [BODY ...]` measures all of `forge.BODIES`, or the given ones.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import redis

from tests.bench.forge import BODIES
from tests.bench.processes import peak_mib, resident_mib, started
from tests.bench.worker import enqueue, environment, wait_until_done

JOBS = 64
SETTLED_SECONDS = 60.0


def measure_memory(
    forge: str, body: str, jobs: int = JOBS, settled: float = SETTLED_SECONDS, model: float = 3.0
) -> tuple[float, float, float]:
    """Return a worker's MiB: idle, peak with `jobs` in flight, and `settled` seconds later."""
    with environment(body, str(model)) as settings:
        client = redis.Redis.from_url(settings["REDIS_URL"])
        gitlab = {"GITLAB_URL": settings["GITHUB_API_URL"], "GITLAB_TOKEN": "bench-token"}
        variables = {**settings, **gitlab, "WORKER_THREADS": str(jobs)}
        with started(["bot", "worker"], variables) as process, client:
            enqueue(settings["REDIS_URL"], 1, forge, per_account=1)
            wait_until_done(client)  # the libraries are loaded
            idle = resident_mib(process.pid)
            enqueue(settings["REDIS_URL"], jobs, forge, per_account=1)
            wait_until_done(client)
            time.sleep(settled)
            return idle, peak_mib(process.pid), resident_mib(process.pid)


def measure(bodies: Sequence[str] = ("emoji",)) -> Iterator[str]:
    """Yield the memory figures of the largest issues."""
    for forge in ("github", "gitlab"):
        for body in bodies:
            idle, peak, after = measure_memory(forge, body)
            yield (
                f"{JOBS} issues of the largest body of {forge} ({body}) in flight: {peak:.0f} MiB"
                f" at most, {after:.0f} MiB a minute later, {idle:.0f} MiB before; goals <= 250,"
                " <= 110 MiB"
            )


if __name__ == "__main__":
    for line in measure(sys.argv[1:] or list(BODIES)):
        print(f"- {line}", flush=True)
