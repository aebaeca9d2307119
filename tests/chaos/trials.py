"""Two scenarios of one fault each: a worker killed with running jobs, and an emptied Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from random import Random

from tests.chaos.parts import Parts
from tests.chaos.users import Users
from tests.chaos.verdict import KINDS, Verdict, wait_for_end_state
from tests.waiting import wait_until

Result = tuple[bool, tuple[str, ...]]
TAKEOVER_SECONDS = 60.0
STARTED = "starting enrichment"


def takeover(folder: Path, seed: int, issues: int, limit: float) -> Result:
    """Kill a worker whose jobs all wait for the model; measure how long until each runs starts."""
    parts = Parts(folder, Random(seed), (), {"WORKER_THREADS": "32", "LLM_TIMEOUT": "60"})
    users = Users(parts, Random(seed))
    with parts.running():
        parts.start("serve")
        parts.start("worker")
        parts.wait_until_ready()
        parts.model_proxy.switch("blackhole")  # every job waits for the model or for a thread
        users.open_all(issues, rate=50)
        log = folder / "worker-1.log"
        wait_until(lambda: log.read_text().count(STARTED) >= issues, 60)
        parts.kill("worker")
        killed = time.time()
        parts.model_proxy.switch("pass")
        parts.start("worker")
        verdict = wait_for_end_state(parts, users, limit)
    verdict.crashes = parts.crashes
    starts = _start_times(folder / "worker-2.log")
    waits = sorted(starts.get(str(one), float("inf")) - killed for one in users.opened)
    passed = verdict.passed and waits[-1] <= TAKEOVER_SECONDS
    rows = {
        "jobs running at the kill": issues,
        "restarted, p50 s": round(waits[len(waits) // 2], 1),
        "restarted, p100 s": round(waits[-1], 1) if waits[-1] < limit else "never",
        "goal for p100, s": TAKEOVER_SECONDS,
    }
    return passed, _lines(parts, verdict, rows)


def flush(folder: Path, seed: int, issues: int, limit: float) -> Result:
    """Empty Redis after all deliveries were accepted."""
    parts = Parts(folder, Random(seed))
    users = Users(parts, Random(seed))
    with parts.running():
        parts.start("serve")
        parts.wait_until_ready()
        users.open_all(issues, rate=50)
        queued = parts.count_pending()
        parts.direct.flushall()
        started = time.monotonic()
        parts.start("worker")
        verdict = wait_for_end_state(parts, users, limit)
        seconds = time.monotonic() - started
    verdict.crashes = parts.crashes
    rows = {"queued at the FLUSHALL": queued, "settled after, s": round(seconds, 1)}
    return verdict.passed, _lines(parts, verdict, rows)


def _start_times(log: Path) -> dict[str, float]:
    """Return when the last try of each issue started, in seconds since the epoch."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if STARTED in line]
    return {line["issue"]: datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines}


def _lines(parts: Parts, verdict: Verdict, rows: Mapping[str, object]) -> tuple[str, ...]:
    figures = {**rows, **{kind: len(verdict.of(kind)) for kind in KINDS}}
    table = (f"{name:<28}{value}" for name, value in figures.items())
    return (*table, *verdict.report(parts))
