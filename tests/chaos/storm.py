"""A storm: issues are opened while faults are injected; then all must reach their end state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.fault_injector import FaultInjector
from tests.chaos.parts import Parts
from tests.chaos.totals import TOKEN, compare_totals, count_on_forges, read_metrics
from tests.chaos.users import Users
from tests.chaos.verdict import KINDS, Verdict, find_leaks, wait_for_end_state


@dataclass(frozen=True, slots=True)
class Storm:
    """Periods are in seconds, 0 = never; numbers of kills, 0 = as long as issues are opened.

    `limit` is the seconds after the last fault until the end state. `repeated` and
    `lost_responses` are shares of deliveries and of comments, `timeouts` adds lost responses
    without a reset, `outage` is the seconds without Redis. `settings` go to `launch.py`. With
    `has_totals` those of `/metrics` are compared at the end; a killed Redis may lose some.
    """

    issues: int
    rate: float
    repeated: float = 0.02
    lost_responses: float = 0.05
    timeouts: bool = True
    worker_kill_period: float = 5.0
    redis_kill_period: float = 60.0
    receiver_kill_period: float = 0.0
    network_fault_period: float = 0.0
    worker_kills: int = 0
    redis_kills: int = 0
    outage: float = 1.0
    model_down: bool = False
    limit: float = 600.0
    workers: int = 2
    settings: tuple[str, ...] = ()
    has_totals: bool = False


class Run:
    """One run of a storm, and its report."""

    def __init__(self, storm: Storm, folder: Path, seed: int) -> None:
        self.storm, self.folder, self.seed = storm, folder, seed
        # A generator per thread, so that threads do not change each other's random numbers.
        users, faults, forge = (Random(f"{seed} {name}") for name in ("people", "faults", "forge"))
        self.parts = Parts(folder, forge, storm.settings, {"TAGLINE_METRICS_TOKEN": TOKEN})
        self.users = Users(self.parts, users, storm.repeated)
        self.injector = FaultInjector(self.parts, faults, storm.outage)
        self.verdict = Verdict()
        self.settled_after = 0.0
        self.rate = 0.0  # issues that reached their end state in a second
        self.totals: dict[str, object] = {}

    def run(self) -> Verdict:
        with self.parts.running():
            self.parts.start("serve")
            for _ in range(self.storm.workers):
                self.parts.start("worker")
            self.parts.wait_until_ready()
            started = time.monotonic()
            self._inject_faults()
            self._wait_for_end_state()
            self.rate = len(self.users.opened) / (time.monotonic() - started)
            dead = self.parts.count_dead()
            if self.storm.has_totals:
                on_forges = count_on_forges(self.parts, self.users.opened)
                self.totals, wrong = compare_totals(read_metrics(self.parts), on_forges)
                self.verdict.wrong_totals = wrong
        self.injector.counts["dead letters"] = dead
        self.verdict.crashes = self.parts.crashes
        self.verdict.leaked_words = find_leaks(self.folder, self.users.words)
        return self.verdict

    def _inject_faults(self) -> None:
        storm, injector, random_faults = self.storm, self.injector, self.parts.random_faults
        random_faults.share, random_faults.with_timeouts = storm.lost_responses, storm.timeouts
        if storm.model_down:
            self.parts.model_proxy.switch("refuse")
        with injector.injecting(
            (injector.kill_worker, storm.worker_kill_period, storm.worker_kills),
            (injector.kill_redis, storm.redis_kill_period, storm.redis_kills),
            (injector.kill_receiver, storm.receiver_kill_period, 0),
            (injector.break_connection, storm.network_fault_period, 0),
        ):
            self.users.open_all(storm.issues, storm.rate, self._half_way)
        random_faults.share = 0.0
        if injector.errors:
            raise injector.errors[0]

    def _half_way(self, opened: int) -> None:
        if self.storm.model_down and opened == self.storm.issues // 2:
            self.parts.model_proxy.switch("pass")
            self.injector.record("model came back")

    def _wait_for_end_state(self) -> None:
        started = time.monotonic()
        self.verdict = wait_for_end_state(self.parts, self.users, self.storm.limit)
        self.settled_after = time.monotonic() - started
        self.parts.box.settle()

    def report(self) -> Iterator[str]:
        """Yield a table, then the first breaches of each kind with their log lines."""
        verdict, users, last = self.verdict, self.users, self.verdict.last_comment
        refused = sum(not breach.issue.accepted for breach in verdict.of("lost"))
        after = max(0.0, (last - self.injector.last).total_seconds()) if last else None
        rows: dict[str, object] = {
            "issues": len(users.opened),
            **{kind: len(verdict.of(kind)) for kind in KINDS},
            "of the lost, refused": refused,
            "processes that crashed": len(verdict.crashes),
            "labels created": len(verdict.created_labels),
            "words of issues found": len(verdict.leaked_words),
            "second comments deleted": verdict.deleted,
            "comments stored, response lost": self.parts.comment_counter.lost_responses,
            "deliveries repeated": users.repeats,
            "issues refused": users.refused,
            **self.injector.counts,
            **self.totals,
            "issues a second, all of it": round(self.rate, 1),
            "last fault to last comment, s": "none" if after is None else round(after, 1),
            "settled after, s": round(self.settled_after, 1),
            "seed": self.seed,
        }
        width = max(map(len, rows))
        yield from (f"{name:<{width}}  {value}" for name, value in rows.items())
        yield from verdict.report(self.parts)
