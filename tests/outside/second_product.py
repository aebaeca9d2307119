"""Starts the product for the second attack set: a receiver, and a worker in a separate process
whose memory and CPU are measured without those of the sandbox."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import redis

from bot.core.jobs import JobRecord
from bot.embedded.parent_death import with_pdeathsig
from tests.simulation import Sandbox
from tests.whole.app import App

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
START_SECONDS = 20.0
SHOWN = 2000  # characters of a log
KEPT_VARIABLES = ("PATH", "HOME", "LANG")
# Waits that a sandbox on the same machine does not need.
SHORT_WAITS = (
    "bot.llm.client:PAUSE_SECONDS=0.05",
    "bot.flow.publish:LOOK_AGAIN_SECONDS=[0.1, 0.2]",
    "bot.queue.worker:PICK_UP_MS=15",
    "bot.queue.periodic:EVERY_SECONDS=3600",
)
READERS: Mapping[str, Callable[[redis.Redis, str], object]] = {
    "string": lambda client, key: client.get(key),
    "hash": lambda client, key: client.hgetall(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: client.smembers(key),
    "zset": lambda client, key: client.zrange(key, 0, -1),
    "none": lambda client, key: None,  # it expired
}
_owners = count(1)


class Product:
    """Receiver and worker process. `app` creates repositories and reads Redis and the forges."""

    def __init__(
        self, app: App, process: subprocess.Popen[bytes], output: Path, database: int
    ) -> None:
        self.app = app
        self.database = database
        self._process = process
        self._output = output
        self._offset = 0

    @property
    def pid(self) -> int:
        """Return the worker's process id."""
        return self._process.pid

    def reset(self, on: str, labels: list[str], config: str | None) -> None:
        """Start a case with a new owner and repository, an empty Redis and an empty log."""
        app = self.app
        app.redis.flushdb()
        app.refresh(on, owner=f"second{next(_owners)}")
        files = {} if config is None else {app.host.config_path: config}
        app.host.add_repo(app.repo, dict.fromkeys(labels, ""), files)
        self._offset = self._output.stat().st_size
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # reset the peak of memory

    def log(self) -> str:
        """Return what receiver and worker wrote since `reset`."""
        with self._output.open("rb") as output:
            output.seek(self._offset)
            return self.app.lines.getvalue() + output.read().decode(errors="replace")

    def redis_contents(self) -> str:
        """Return every key of Redis and its value."""
        client = self.app.redis
        keys = [_text(key) for key in client.scan_iter(count=1000)]
        return "\n".join(f"{key} {READERS[_text(client.type(key))](client, key)}" for key in keys)

    def wait_for(self, job: str, until: float, check: Callable[[], None]) -> JobRecord:
        """Return the job once it has ended.

        Fails at `until` (of the monotonic clock), if the worker ends or logs an unexpected error,
        or if `check` fails.
        """
        while (record := self.app.store.job(job)) is None or record.state not in ("done", "dead"):
            check()
            log = self.log()
            assert self._process.poll() is None, f"the worker ended: {log[-SHOWN:]}"
            assert "unexpected error" not in log, log[-SHOWN:]
            state = record.state if record else "unknown"
            assert time.monotonic() < until, f"not ended in time but {state}: {log[-SHOWN:]}"
            time.sleep(0.02)
        return record


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


class Products:
    """Running products by provider and settings, each with a database of one Redis."""

    def __init__(self, box: Sandbox, redis_url: str, folder: Path) -> None:
        self._box, self._server, self._folder = box, redis_url.rpartition("/")[0], folder
        self._running: dict[tuple[str, ...], tuple[Product, ExitStack]] = {}
        self._outputs = count(1)

    @contextmanager
    def use(
        self, provider: str, environment: Mapping[str, str], *, alone: bool, memory_mib: int = 0
    ) -> Iterator[Product]:
        """Yield a product; it is stopped after a failure, since it may still be busy.

        With `alone` it is started for this case, with at most `memory_mib` of address space.
        """
        key = (provider, str(sorted(environment.items())), str(alone))
        if key not in self._running:
            self._running[key] = self._start(provider, environment, memory_mib)
        try:
            yield self._running[key][0]
        except BaseException:
            self._stop(key)
            raise
        if alone:
            self._stop(key)

    def _start(
        self, provider: str, environment: Mapping[str, str], memory_mib: int
    ) -> tuple[Product, ExitStack]:
        taken = {product.database for product, _ in self._running.values()}
        database = next(number for number in range(1, 16) if number not in taken)
        settings = {"LLM_TIMEOUT": "2", **environment}
        app = App(self._box, f"{self._server}/{database}", provider, settings)
        app.redis.flushdb()
        stack = ExitStack()
        stack.enter_context(app.open(worker=False))
        app.clear_schedules()
        output = self._folder / f"worker-{next(self._outputs)}.log"
        process = stack.enter_context(worker_process(app.environ, output))
        if memory_mib:
            limit = (memory_mib * MIB, memory_mib * MIB)
            resource.prlimit(process.pid, resource.RLIMIT_AS, limit)
        _wait_until_started(process, output)
        for on in app.box.hosts:  # load everything before a case is measured
            app.refresh(on)
            app.issue()
        return Product(app, process, output, database), stack

    def _stop(self, key: tuple[str, ...]) -> None:
        self._running.pop(key)[1].close()

    def close(self) -> None:
        for key in list(self._running):
            self._stop(key)


def _wait_until_started(process: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while b"worker started" not in output.read_bytes():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < until, output.read_text()
        time.sleep(0.02)


@contextmanager
def worker_process(
    environment: Mapping[str, str], output: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker; kill it at the end."""
    variables = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    variables |= {"PYTHONPATH": str(ROOT), "LOG_FORMAT": "json", "LOG_LEVEL": "debug"}
    with output.open("wb") as out:
        process = subprocess.Popen(
            with_pdeathsig([sys.executable, "-m", "tests.chaos.launch", "worker", *SHORT_WAITS]),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**variables, **environment},
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
