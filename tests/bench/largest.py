"""A worker's memory with the largest bodies that the platforms allow.

`python -m tests.bench.largest` measures all of `forge.BODIES`, or those that it is told.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis

from bot.core.types import IssueRef, Job
from bot.embedded.valkey import EmbeddedRedis
from bot.queue.enqueue import NAMESPACE, QUEUE, RedisQueue
from tests.bench.forge import BODIES
from tests.bench.processes import peak_mib, resident_mib, started
from tests.conftest import free_port
from tests.simulation import Sandbox

JOBS = 64
SETTLED_SECONDS = 60.0


@contextmanager
def scenery(body: str, seconds: float = 3.0) -> Iterator[dict[str, str]]:
    """Redis, and a canned forge all of whose issues have this body; settings that lead there."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="tagline-") as folder,
        EmbeddedRedis(Path(folder)) as server,
        Sandbox().running() as box,
        started(["tests.bench.forge", str(port), body, str(seconds)], port=port),
    ):
        base = f"http://127.0.0.1:{port}"
        yield {
            "REDIS_URL": server.url,
            "GITHUB_APP_ID": "1",
            "GITHUB_PRIVATE_KEY": box.private_key,
            "GITHUB_API_URL": base,
            "GITLAB_URL": base,
            "GITLAB_TOKEN": "bench-token",
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "bench",
            "OPENAI_API_KEY": "bench-key",
            "OPENAI_BASE_URL": base,
            "LOG_FORMAT": "json",
        }


def fill(url: str, forge: str, jobs: int, first: int = 1) -> None:
    """Enqueue as many jobs as the receiver would."""

    async def put() -> None:
        queue = RedisQueue(url)
        for number in range(first, first + jobs):
            host = "github.com" if forge == "github" else "127.0.0.1"
            ref = IssueRef(forge, host, f"acme/r{number}", number, number, str(number))
            await queue.put(Job(f"{forge}-{number}", "opened", ref, time.time()))
        await queue.close()

    asyncio.run(put())


def memory(
    forge: str, body: str, jobs: int = JOBS, settled: float = SETTLED_SECONDS, model: float = 3.0
) -> tuple[float, float, float]:
    """MiB of a worker: idle, at most with so many jobs in flight, and so many seconds later."""
    with scenery(body, model) as settings:
        client = redis.Redis.from_url(settings["REDIS_URL"])
        environment = {**settings, "WORKER_THREADS": str(jobs)}
        with started(["bot", "worker"], environment) as process, client:
            fill(settings["REDIS_URL"], forge, 1)
            _until_done(client)  # the libraries are loaded
            idle = resident_mib(process.pid)
            fill(settings["REDIS_URL"], forge, jobs, first=2)
            _until_done(client)
            time.sleep(settled)
            return idle, peak_mib(process.pid), resident_mib(process.pid)


def _until_done(client: redis.Redis) -> None:
    queues = [f"{NAMESPACE}:{name}.msgs" for name in (QUEUE, f"{QUEUE}.DQ")]
    while any(client.hlen(queue) for queue in queues):
        time.sleep(0.05)


def measure(bodies: Sequence[str] = ("emoji",)) -> Iterator[str]:
    """The figures of the largest issues."""
    for forge in ("github", "gitlab"):
        for body in bodies:
            idle, peak, after = memory(forge, body)
            yield (
                f"{JOBS} issues of the largest body of {forge} ({body}) in flight: {peak:.0f} MiB"
                f" at most, {after:.0f} MiB a minute later, {idle:.0f} MiB before; goals <= 250,"
                " <= 110 MiB"
            )


if __name__ == "__main__":
    for line in measure(sys.argv[1:] or list(BODIES)):
        print(f"- {line}", flush=True)
