"""The product's processes and all they lean on: sandbox, Valkey, and a proxy before each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Lock

import httpx
import redis

from bot.core import redis_keys
from bot.embedded.valkey import EmbeddedRedis
from bot.sandbox.faults import Fault, Faults
from tests.chaos.proxy import Proxy
from tests.conftest import free_port
from tests.simulation import Exchange, Sandbox

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-webhook-secret-for-the-chaos"
KEPT_EXCHANGES = 2000
LOST_ANSWERS = ("comment-stored-502", "comment-stored-reset", "comment-stored-not-json")
NEVER_ANSWERED = "comment-stored-timeout"
MARKER = "tagline:v1"


@dataclass
class Behind(Sandbox):
    """A sandbox whose links lead through the proxy at `front`."""

    front: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.front}"


@dataclass(slots=True)
class Sometimes(Faults):
    """Beside what is armed, a `share` of comment POSTs is stored and its answer lost."""

    share: float = 0.0
    dice: Random = field(default_factory=Random)
    with_silence: bool = False

    def take(self, side: str, method: str, path: str) -> Fault | None:
        armed = Faults.take(self, side, method, path)  # type: ignore[arg-type]
        if armed or method != "POST" or not self.share:
            return armed
        names = [*LOST_ANSWERS, *([NEVER_ANSWERED] if self.with_silence else [])]
        fault = self.table[self.dice.choice(names)]
        if re.search(fault.on, f"{method} {path}") and self.dice.random() < self.share:
            return fault
        return None


def crashed(command: str, process: subprocess.Popen[bytes]) -> list[str]:
    """What there is to say of a process that nobody has told to end yet."""
    status = process.poll()
    return [] if status is None else [f"{command} ended by itself, exit status {status}"]


class Posts:
    """Counts the comments that came into being on each issue, also those removed since."""

    PLACE = re.compile(r"POST .*/issues/(\d+)/(?:comments|notes)$")

    def __init__(self, box: Sandbox) -> None:
        self._box = box
        self.made: Counter[tuple[str, int]] = Counter()
        self.lost_answers = 0
        box.observe(self._see)

    def _see(self, exchange: Exchange) -> None:
        log = self._box.log
        if len(log.exchanges) > KEPT_EXCHANGES:
            with log.lock:
                del log.exchanges[: KEPT_EXCHANGES // 2]
        place = self.PLACE.search(f"{exchange.method} {exchange.path}")
        if place is None or MARKER.encode() not in exchange.request_body:
            return
        stored = (exchange.fault or "").startswith("comment-stored")
        self.lost_answers += stored
        if stored or exchange.status == 201:
            self.made[exchange.api, int(place[1])] += 1


class Parts:
    """Everything at work, until the `with` of `standing` ends. All threads may call it."""

    def __init__(
        self,
        folder: Path,
        dice: Random,
        settings: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._settings = tuple(settings)
        self.own = dict(environment or {})
        (folder / "redis").mkdir()
        self.redis = EmbeddedRedis(folder / "redis", port=free_port())
        redis_port = int(self.redis.url.rpartition(":")[2].partition("/")[0])
        self.redis_proxy = Proxy("redis", redis_port)
        front = free_port()
        self.box = Behind(webhook_secret=SECRET, front=front)
        self.box.faults = Sometimes(self.box.faults.table, dice=dice)
        self.forge_proxy = Proxy("forge", self.box.port, front)
        self.model_proxy = Proxy("model", self.box.port)
        self.posts = Posts(self.box)
        self.port = free_port()
        self.direct = redis.Redis.from_url(self.redis.url, socket_timeout=5, decode_responses=True)
        self._running: dict[str, list[subprocess.Popen[bytes]]] = {"serve": [], "worker": []}
        self._started: Counter[str] = Counter()
        self.died: list[str] = []
        self._guard = Lock()
        self._keeper = ThreadPoolExecutor(1, "redis")

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        return (self.redis_proxy, self.forge_proxy, self.model_proxy)

    @property
    def chance(self) -> Sometimes:
        assert isinstance(self.box.faults, Sometimes)
        return self.box.faults

    @contextmanager
    def standing(self) -> Iterator[Parts]:
        with ExitStack() as stack:
            stack.callback(self._end)
            self.start_redis()
            stack.enter_context(self.box.running())
            for proxy in self.proxies:
                stack.enter_context(proxy.running())
            hooks = f"http://127.0.0.1:{self.port}/webhooks"
            self.box.webhook_url = f"{hooks}/github"
            self.box.gitlab.webhook_url = f"{hooks}/gitlab"
            stack.callback(self._hang_up)
            yield self

    def start(self, command: str) -> None:
        """`serve` or `worker`; its output goes to a file of its own."""
        with self._guard:
            self._started[command] += 1
            name = f"{command}-{self._started[command]}.log"
            with (self.folder / name).open("wb") as out:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.chaos.launch", command, *self._settings],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    env=self._environment(),
                    cwd=self.folder,
                )
            self._running[command].append(process)

    def kill(self, command: str, which: int = 0) -> None:
        """SIGKILL to one of those at work."""
        with self._guard:
            running = self._running[command]
            process = running.pop(which % len(running))
        self._finish(command, process)

    def _finish(self, command: str, process: subprocess.Popen[bytes]) -> None:
        self.died += crashed(command, process)
        process.kill()
        process.wait()

    def start_redis(self) -> None:
        # It ends with the thread that started it, so that thread is one of its own.
        self._keeper.submit(self.redis.start).result()
        # Text that were kept must be found in the files.
        with redis.Redis.from_url(self.redis.url) as client:
            client.config_set("rdbcompression", "no")

    def answering(self) -> bool:
        """Whether the receiver and Redis are there."""
        try:
            ready = httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False, timeout=5)
        except httpx.TransportError:
            return False
        return ready.status_code == 200

    def await_answers(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while not self.answering():
            if time.monotonic() > until:
                raise RuntimeError(f"the receiver does not answer; its log is in {self.folder}")
            time.sleep(0.05)

    def waiting(self) -> int:
        """Jobs that are queued, delayed or unacknowledged. Raises redis.RedisError."""
        queues = redis_keys.QUEUE_MESSAGES, redis_keys.DELAYED_MESSAGES
        return sum(int(self.direct.hlen(key)) for key in queues)

    def dead(self) -> int:
        return int(self.direct.zcard(redis_keys.DEAD))

    def log_lines(self, word: str) -> list[str]:
        """Lines of all processes that hold a word, by time."""
        found = [
            f"{path.stem}: {line}"
            for path in self.folder.glob("*.log")
            for line in path.read_text(errors="replace").splitlines()
            if word in line
        ]
        return sorted(found, key=lambda line: line.partition('"timestamp":"')[2])

    def _hang_up(self) -> None:
        """What the sandbox still wants to tell goes nowhere."""
        self.box.webhook_url = self.box.gitlab.webhook_url = None

    def _end(self) -> None:
        for command, processes in self._running.items():
            for process in processes:
                self._finish(command, process)
        self.direct.close()
        self.redis.stop()

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        front = self.box.url
        redis_url = f"redis://127.0.0.1:{self.redis_proxy.port}/0"
        base = {
            "PYTHONPATH": str(ROOT),
            "GITHUB_APP_ID": str(self.box.app_id),
            "GITHUB_PRIVATE_KEY": self.box.private_key,
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_API_URL": f"{front}/github",
            "GITLAB_URL": f"{front}/gitlab",
            "GITLAB_TOKEN": self.box.gitlab.token,
            "GITLAB_SIGNING_TOKEN": self.box.gitlab.signing_token or "",
            "REDIS_URL": redis_url,
            "PORT": str(self.port),
            "WORKER_THREADS": "8",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "sandbox-rules",
            "LLM_TIMEOUT": "10",
            "OPENAI_API_KEY": "sandbox-key",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.model_proxy.port}/openai/v1",
        }
        return {**kept, **base, **self.own}
