"""Two trials of one fault each: a worker killed with jobs running, and a Redis that was emptied."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from random import Random

from tests.chaos.parts import Parts
from tests.chaos.users import Users
from tests.chaos.verdict import KINDS, Verdict, judge

Told = tuple[bool, Iterator[str]]
TAKEOVER_SECONDS = 60.0
STARTED = "starting enrichment"
POLL_SECONDS = 0.2


def takeover(folder: Path, seed: int, issues: int, limit: float) -> Told:
    """All jobs wait for the model when their worker is killed; how long until each runs again."""
    parts = Parts(folder, Random(seed), (), {"WORKER_THREADS": "32", "LLM_TIMEOUT": "60"})
    users = Users(parts, Random(seed))
    with parts.standing():
        parts.start("serve")
        parts.start("worker")
        parts.await_answers()
        parts.model_proxy.switch("blackhole")  # every job waits for the model, or for its turn
        users.open_all(issues, rate=50)
        log = folder / "worker-1.log"
        _until(lambda: log.read_text().count(STARTED) >= issues, 60)
        parts.kill("worker")
        killed = time.time()
        parts.model_proxy.switch("pass")
        parts.start("worker")
        verdict = _rest(parts, users, limit)
    verdict.died = parts.died
    again = _starts(folder / "worker-2.log")
    waits = sorted(again.get(str(one), float("inf")) - killed for one in users.opened)
    good = verdict.good and waits[-1] <= TAKEOVER_SECONDS
    rows = {
        "jobs running at the kill": issues,
        "taken up again, p50 s": round(waits[len(waits) // 2], 1),
        "taken up again, p100 s": round(waits[-1], 1) if waits[-1] < limit else "never",
        "goal for p100, s": TAKEOVER_SECONDS,
    }
    return good, _lines(parts, verdict, rows)


def flush(folder: Path, seed: int, issues: int, limit: float) -> Told:
    """Everything was accepted, then Redis forgot all of it."""
    parts = Parts(folder, Random(seed))
    users = Users(parts, Random(seed))
    with parts.standing():
        parts.start("serve")
        parts.await_answers()
        users.open_all(issues, rate=50)
        queued = parts.waiting()
        parts.direct.flushall()
        started = time.monotonic()
        parts.start("worker")
        verdict = _rest(parts, users, limit)
        took = time.monotonic() - started
    verdict.died = parts.died
    rows = {"queued at the FLUSHALL": queued, "settled after, s": round(took, 1)}
    return verdict.good, _lines(parts, verdict, rows)


def _rest(parts: Parts, users: Users, limit: float) -> Verdict:
    until = time.monotonic() + limit
    while True:
        waiting, verdict = parts.waiting(), judge(parts, users)
        if (not waiting and verdict.good) or time.monotonic() > until:
            return verdict
        time.sleep(POLL_SECONDS)


def _until(holds: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise RuntimeError("the worker did not start every job")
        time.sleep(0.05)


def _starts(log: Path) -> dict[str, float]:
    """When the last try of each issue began, in seconds since the epoch."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if STARTED in line]
    return {line["issue"]: datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines}


def _lines(parts: Parts, verdict: Verdict, rows: Mapping[str, object]) -> Iterator[str]:
    figures = {**rows, **{kind: len(verdict.of(kind)) for kind in KINDS}}
    yield from (f"{name:<28}{value}" for name, value in figures.items())
    yield from verdict.told(parts)
