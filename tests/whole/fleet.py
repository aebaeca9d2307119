"""One receiver and two workers as processes of their own on one Redis, killed again and again.

`python -m tests.whole.fleet` sends 1,000 issues, with the product's own waiting times.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import redis

from bot.queue.enqueue import NAMESPACE, QUEUE
from bot.sandbox import Host, Sandbox
from bot.store.private import PrivateRedis
from tests.conftest import free_port
from tests.whole.house import LABELS, SECRET, House

PARTS = {"receiver": "serve", "worker-1": "worker", "worker-2": "worker"}
HOSTS = ("github", "gitlab")
REPO = "acme/fleet"
ISSUES, SECONDS_BETWEEN_KILLS = 1000, 2.0
# The same waiting as the product's, in a hurry.
IMPATIENT = """
import dramatiq.worker
from bot.queue import broker, crew
from bot.store import locks
locks.LOCK_MS, locks.RENEW_SECONDS, locks.BUSY_SECONDS = 1500, 0.3, 0.2
broker.HEARTBEAT_MS = broker.ALONE_HEARTBEAT_MS = 1000
crew.PICK_UP_MS = 15
dramatiq.worker.CONSUMER_RESTART_DELAY_SECS = 0.1
"""
START = "from bot.cli.main import cli; cli()"


def started(
    command: str, environ: dict[str, str], folder: Path, *, patience: str = IMPATIENT
) -> subprocess.Popen[bytes]:
    """`tagline COMMAND` as a process; its log is added to a file of `folder`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (folder / f"{command}.log").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-c", patience + START, command],
            env={**kept, **environ},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )


def answers(url: str, status: int = 200, seconds: float = 20.0) -> None:
    """Wait until an address answers so."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if httpx.get(url, trust_env=False).status_code == status:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"{url} did not answer {status} within {seconds:.0f} s")


class Fleet:
    """The processes, and the issues that were opened before them on both hosts."""

    def __init__(self, box: Sandbox, redis_url: str, folder: Path, patience: str) -> None:
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        house = House(box, redis_url, environment={"PORT": str(port)})
        house.redis.close()
        self._environ = house.environ
        self._folder, self._patience = folder, patience
        self._redis_url = redis_url
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._opened: list[tuple[Host, int]] = []
        self._refused: list[tuple[Host, str]] = []
        self.hosts = [box.hosts[name] for name in HOSTS]
        for name, host in box.hosts.items():
            host.add_repo(REPO, LABELS)
            host.webhook_url = f"{self._url}/webhooks/{name}"

    @contextmanager
    def running(self) -> Iterator[None]:
        try:
            for name in PARTS:
                self._start(name)
            answers(f"{self._url}/readyz")
            yield
        finally:
            for process in self._parts.values():
                process.kill()
                process.wait()

    def kill(self, name: str) -> None:
        """As a crash would, and start it again as a supervisor would."""
        self._parts[name].kill()
        self._parts[name].wait()
        self._start(name)

    def _start(self, name: str) -> None:
        self._parts[name] = started(
            PARTS[name], self._environ, self._folder, patience=self._patience
        )

    def open_issue(self) -> None:
        """Alternately on both hosts, each by another author; a refused delivery is kept."""
        number = len(self._opened)
        host = self.hosts[number % len(self.hosts)]
        title = f"Crash number {number} in the login"
        body = f"It crashed with exception E{number} when I signed in."
        opened = host.open_issue(REPO, title, body, author=f"person{number}")
        self._opened.append((host, opened))
        if host.opened.status != 202:
            self._refused.append((host, host.opened.guid))

    def redeliver(self) -> int:
        """Send again what was not accepted, as a maintainer would. Returns how many there were."""
        count = len(self._refused)
        until = time.monotonic() + 20
        while self._refused and time.monotonic() < until:
            host, guid = self._refused[0]
            try:
                accepted = host.redeliver(guid).status_code == 202
            except httpx.TransportError:
                accepted = False
            if accepted:
                self._refused.pop(0)
            else:
                time.sleep(0.02)
        assert not self._refused
        return count

    def comments(self) -> Counter[int]:
        """How many issues have how many comments of ours."""
        return Counter(len(host.bot_comments(REPO, number)) for host, number in self._opened)

    def labelled(self) -> int:
        return sum(bool(host.labels(REPO, number)) for host, number in self._opened)

    def settle(self, seconds: float) -> None:
        """Wait until no job waits, runs or is to be tried again."""
        until = time.monotonic() + seconds
        with redis.Redis.from_url(self._redis_url) as client:
            while any(client.hlen(f"{NAMESPACE}:{QUEUE}{kind}.msgs") for kind in ("", ".DQ")):
                assert time.monotonic() < until, f"jobs are left; comments: {self.comments()}"
                time.sleep(0.05)


def storm(fleet: Fleet, issues: int, victims: Sequence[str], every: float) -> int:
    """Open issues and meanwhile kill the victims, one after the other. Returns the redelivered."""
    left, due = list(victims), time.monotonic() + every
    for _ in range(issues):
        fleet.open_issue()
        if left and time.monotonic() > due:
            fleet.kill(left.pop(0))
            due = time.monotonic() + every
    for name in left:
        fleet.kill(name)
    return fleet.redeliver()


def main() -> None:
    """The long run; prints what came of it."""
    dice = random.Random(1)
    box = Sandbox(webhook_secret=SECRET)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagline-")))
        server = stack.enter_context(PrivateRedis(folder))
        stack.enter_context(box.running())
        fleet = Fleet(box, server.url, folder, "")
        stack.enter_context(fleet.running())
        victims = dice.choices(list(PARTS), k=12)
        began = time.monotonic()
        again = storm(fleet, ISSUES, victims, SECONDS_BETWEEN_KILLS)
        sent = time.monotonic() - began
        fleet.settle(600)
        took = time.monotonic() - began
        found = dict(fleet.comments())
        print(f"{ISSUES} issues opened in {sent:.0f} s, {len(victims)} processes killed: {victims}")
        print(f"{again} deliveries were not accepted and sent again; all done after {took:.0f} s")
        print(f"comments per issue: {found}; issues with labels: {fleet.labelled()}")
        if found != {1: ISSUES} or fleet.labelled() != ISSUES:
            raise SystemExit("some were lost or doubled")


if __name__ == "__main__":
    main()
