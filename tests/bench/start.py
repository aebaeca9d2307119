"""The start-up cost of commands, and the cost of an issue without a model."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial

from bot.core.config.schema import RepoConfig
from bot.core.labels.policy import CurrentLabels
from bot.core.types import Label
from bot.flow.enrich import RulesLabeller, enrich, prepare
from tests.bench.forge import BODY
from tests.bench.processes import children, resident_mib, started
from tests.conftest import free_port
from tests.fakes import make_issue
from tests.simulation import Sandbox
from tests.waiting import is_ok, wait_until

TIMES = 7
ISSUES = 300
NAMES = ("bug", "enhancement", "documentation", "question", "performance", "area/login")


def run_seconds(command: Sequence[str]) -> float:
    """Return the duration of the shortest of a few runs."""
    durations = []
    for _ in range(TIMES):
        start = time.monotonic()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        durations.append(time.monotonic() - start)
    return min(durations)


def measure_run() -> tuple[float, float]:
    """Return the seconds until `tagline run` is ready, and its idle MiB including its Redis."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/readyz"
    with tempfile.TemporaryDirectory(prefix="tagline-") as folder:
        environment = {
            "DATA_DIR": folder,
            "PORT": str(port),
            "GITHUB_API_URL": "http://127.0.0.1:1",
            "GITHUB_APP_ID": "1",
            "GITHUB_PRIVATE_KEY": Sandbox().private_key,
            "GITHUB_WEBHOOK_SECRET": "a-webhook-secret-for-the-benchmark",
            "LLM_PROVIDER": "none",
            "REDIS_URL": "",
        }
        start = time.monotonic()
        with started(["bot", "run"], environment) as process:
            wait_until(partial(is_ok, url), 60)
            ready = time.monotonic() - start
            time.sleep(2)
            return ready, sum(map(resident_mib, [process.pid, *children(process.pid)]))


def fallback_seconds() -> float:
    """Return the CPU seconds for an issue that is enriched by rules."""
    labels = [Label(name) for name in NAMES]
    issues = [make_issue(f"Crash on login {n}", f"{BODY}\n{n}") for n in range(ISSUES)]
    start = time.process_time()
    for issue in issues:
        material = prepare(issue, labels, RepoConfig())
        enrich(material, CurrentLabels(), [RulesLabeller()])
    return (time.process_time() - start) / ISSUES


def measure() -> Iterator[str]:
    """Yield the figures of start-up and fallback."""
    bare, command = run_seconds(["-c", ""]), run_seconds(["-m", "bot", "--help"])
    yield (
        f"tagline --help: {command * 1000:.0f} ms, {command / bare:.1f} x a bare Python"
        f" ({bare * 1000:.0f} ms); goal <= 100 ms"
    )
    ready, memory = measure_run()
    yield (
        f"tagline run: ready after {ready:.2f} s, {memory:.0f} MiB idle with its Redis;"
        " goals <= 1 s, <= 90 MiB"
    )
    cpu_ms = fallback_seconds() * 1000
    yield f"fallback, CPU for an issue of 1,800 characters: {cpu_ms:.1f} ms; goal <= 5 ms"
