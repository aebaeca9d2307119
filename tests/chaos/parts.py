"""The product's processes, the sandbox, Valkey, and a proxy before each server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from threading import Lock

import redis

from bot.core import redis_keys
from bot.embedded.valkey import EmbeddedRedis
from bot.sandbox.faults import Fault, Faults
from tests.chaos.proxy import Proxy
from tests.conftest import free_port
from tests.simulation import Exchange, Sandbox
from tests.waiting import is_ok, wait_until

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-webhook-secret-for-the-chaos"
KEPT_EXCHANGES = 2000
LOST_RESPONSES = ("comment-stored-502", "comment-stored-reset", "comment-stored-not-json")
NO_RESPONSE = "comment-stored-timeout"
MARKER = "tagline:v1"


@dataclass
class ProxiedSandbox(Sandbox):
    """A sandbox whose URLs lead to the proxy on `proxy_port`."""

    proxy_port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy_port}"


@dataclass(slots=True)
class RandomFaults(Faults):
    """Besides armed faults, loses the response to a `share` of the stored comments."""

    share: float = 0.0
    rng: Random = field(default_factory=Random)
    with_timeouts: bool = False

    def take(self, side: str, method: str, path: str) -> Fault | None:
        armed = Faults.take(self, side, method, path)  # type: ignore[arg-type]
        if armed or method != "POST" or not self.share:
            return armed
        names = [*LOST_RESPONSES, *([NO_RESPONSE] if self.with_timeouts else [])]
        fault = self.table[self.rng.choice(names)]
        if re.search(fault.on, f"{method} {path}") and self.rng.random() < self.share:
            return fault
        return None


def crash_messages(command: str, process: subprocess.Popen[bytes]) -> list[str]:
    """Return a message if the process has ended although it was not stopped."""
    status = process.poll()
    return [] if status is None else [f"{command} ended by itself, exit status {status}"]


class CommentCounter:
    """Counts the comments created on each issue, including deleted ones."""

    PATH = re.compile(r"POST .*/issues/(\d+)/(?:comments|notes)$")

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self.created: Counter[tuple[str, int]] = Counter()
        self.lost_responses = 0
        box.observe(self._count)

    def _count(self, exchange: Exchange) -> None:
        log = self._box.log
        if len(log.exchanges) > KEPT_EXCHANGES:
            with log.lock:
                del log.exchanges[: KEPT_EXCHANGES // 2]
        match = self.PATH.search(f"{exchange.method} {exchange.path}")
        if match is None or MARKER.encode() not in exchange.request_body:
            return
        stored = (exchange.fault or "").startswith("comment-stored")
        self.lost_responses += stored
        if stored or exchange.status == 201:
            self.created[exchange.api, int(match[1])] += 1


class Parts:
    """All processes and servers; thread-safe. They run during `with running()`."""

    def __init__(
        self,
        folder: Path,
        rng: Random,
        settings: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.settings = tuple(settings)
        self.environment = dict(environment or {})
        (folder / "redis").mkdir()
        self.redis = EmbeddedRedis(folder / "redis", port=free_port())
        redis_port = int(self.redis.url.rpartition(":")[2].partition("/")[0])
        self.redis_proxy = Proxy("redis", redis_port)
        proxy_port = free_port()
        self.box = ProxiedSandbox(webhook_secret=SECRET, proxy_port=proxy_port)
        self.box.faults = RandomFaults(self.box.faults.table, rng=rng)
        self.forge_proxy = Proxy("forge", self.box.port, proxy_port)
        self.model_proxy = Proxy("model", self.box.port)
        self.comment_counter = CommentCounter(self.box)
        self.port = free_port()
        self.direct = redis.Redis.from_url(self.redis.url, socket_timeout=5, decode_responses=True)
        self._running: dict[str, list[subprocess.Popen[bytes]]] = {"serve": [], "worker": []}
        self._started: Counter[str] = Counter()
        self.crashes: list[str] = []
        self._lock = Lock()
        self._redis_thread = ThreadPoolExecutor(1, "redis")

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        return (self.redis_proxy, self.forge_proxy, self.model_proxy)

    @property
    def random_faults(self) -> RandomFaults:
        assert isinstance(self.box.faults, RandomFaults)
        return self.box.faults

    @contextmanager
    def running(self) -> Iterator[Parts]:
        with ExitStack() as stack:
            stack.callback(self._end)
            self.start_redis()
            stack.enter_context(self.box.running())
            for proxy in self.proxies:
                stack.enter_context(proxy.running())
            hooks = f"http://127.0.0.1:{self.port}/webhooks"
            self.box.webhook_url = f"{hooks}/github"
            self.box.gitlab.webhook_url = f"{hooks}/gitlab"
            stack.callback(self._stop_deliveries)
            yield self

    def start(self, command: str) -> None:
        """Start `serve` or `worker`; its output goes to a separate file."""
        with self._lock:
            self._started[command] += 1
            name = f"{command}-{self._started[command]}.log"
            with (self.folder / name).open("wb") as out:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.chaos.launch", command, *self.settings],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env=self._process_environment(),
                    cwd=self.folder,
                )
            self._running[command].append(process)

    def kill(self, command: str, which: int = 0) -> None:
        """Send SIGKILL to one of the running processes."""
        with self._lock:
            running = self._running[command]
            process = running.pop(which % len(running))
        self._kill(command, process)

    def _kill(self, command: str, process: subprocess.Popen[bytes]) -> None:
        self.crashes += crash_messages(command, process)
        process.kill()
        process.wait()

    def start_redis(self) -> None:
        # The server ends with the thread that started it, so a dedicated thread starts it.
        self._redis_thread.submit(self.redis.start).result()
        # Uncompressed, so that text in Redis's files can be found.
        with redis.Redis.from_url(self.redis.url) as client:
            client.config_set("rdbcompression", "no")

    def wait_until_ready(self) -> None:
        """Wait until the receiver responds and reaches Redis."""
        wait_until(partial(is_ok, f"http://127.0.0.1:{self.port}/readyz"), 30)

    def count_pending(self) -> int:
        """Return the number of queued, delayed or unacknowledged jobs. Raises redis.RedisError."""
        queues = redis_keys.QUEUE_MESSAGES, redis_keys.DELAYED_MESSAGES
        return sum(int(self.direct.hlen(key)) for key in queues)

    def count_dead(self) -> int:
        return int(self.direct.zcard(redis_keys.DEAD))

    def log_lines(self, word: str) -> list[str]:
        """Return the log lines of all processes that contain a word, by time."""
        lines = [
            f"{path.stem}: {line}"
            for path in self.folder.glob("*.log")
            for line in path.read_text(errors="replace").splitlines()
            if word in line
        ]
        return sorted(lines, key=lambda line: line.partition('"timestamp":"')[2])

    def _stop_deliveries(self) -> None:
        """Drop the sandbox's pending deliveries."""
        self.box.webhook_url = self.box.gitlab.webhook_url = None

    def _end(self) -> None:
        for command, processes in self._running.items():
            for process in processes:
                self._kill(command, process)
        self.direct.close()
        self.redis.stop()

    def _process_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        base = {
            **self.box.environment(),
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_proxy.port}/0",
            "PORT": str(self.port),
            "WORKER_THREADS": "8",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
            "LLM_TIMEOUT": "10",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.model_proxy.port}/openai/v1",
        }
        return {**kept, **base, **self.environment}
