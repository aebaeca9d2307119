"""A storm: issues come in while things go wrong, then all must come to rest as promised."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.fault_injector import FaultInjector
from tests.chaos.parts import Parts
from tests.chaos.users import Users
from tests.chaos.verdict import KINDS, Verdict, judge, planted

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Storm:
    """Periods are in seconds, 0 = never. So many kills; 0 = as long as issues come in.

    `limit` is how many seconds after the last fault all must be at rest.

    `doubled` and `stored` are shares of deliveries and of comment POSTs. `outage` is how long Redis
    stays away. `settings` go to `launch.py`.
    """

    issues: int
    rate: float
    doubled: float = 0.02
    stored: float = 0.05
    silence: bool = True
    worker_dies: float = 5.0
    redis_dies: float = 60.0
    receiver_dies: float = 0.0
    trouble: float = 0.0
    worker_kills: int = 0
    redis_kills: int = 0
    outage: float = 1.0
    model_down: bool = False
    limit: float = 600.0
    workers: int = 2
    settings: tuple[str, ...] = ()


class Run:
    """One storm, and what is told of it."""

    def __init__(self, storm: Storm, folder: Path, seed: int) -> None:
        self.storm, self.folder, self.seed = storm, folder, seed
        # Dice of their own, so that threads do not change each other's throws.
        people, faults, answers = (Random(f"{seed} {who}") for who in ("people", "faults", "forge"))
        self.parts = Parts(folder, answers, storm.settings)
        self.users = Users(self.parts, people, storm.doubled)
        self.injector = FaultInjector(self.parts, faults, storm.outage)
        self.verdict = Verdict()
        self.settled_after = 0.0

    def run(self) -> Verdict:
        with self.parts.standing():
            self.parts.start("serve")
            for _ in range(self.storm.workers):
                self.parts.start("worker")
            self.parts.await_answers()
            self._rage()
            self._come_to_rest()
            dead = self.parts.dead()
        self.injector.did["dead letters"] = dead
        self.verdict.died = self.parts.died
        self.verdict.found_words = planted(self.folder, self.users.planted)
        return self.verdict

    def _rage(self) -> None:
        storm, injector, chance = self.storm, self.injector, self.parts.chance
        chance.share, chance.with_silence = storm.stored, storm.silence
        if storm.model_down:
            self.parts.model_proxy.switch("refuse")
        with injector.raging(
            (injector.kill_worker, storm.worker_dies, storm.worker_kills),
            (injector.kill_redis, storm.redis_dies, storm.redis_kills),
            (injector.kill_receiver, storm.receiver_dies, 0),
            (injector.trouble, storm.trouble, 0),
        ):
            self.users.open_all(storm.issues, storm.rate, self._half_way)
        chance.share = 0.0
        if injector.wrong:
            raise injector.wrong[0]

    def _half_way(self, opened: int) -> None:
        if self.storm.model_down and opened == self.storm.issues // 2:
            self.parts.model_proxy.switch("pass")
            self.injector.fault("model came back")

    def _come_to_rest(self) -> None:
        started = time.monotonic()
        until = started + self.storm.limit
        while time.monotonic() < until:
            waiting = self.parts.waiting()
            self.verdict = judge(self.parts, self.users)
            if not waiting and self.verdict.good:
                break
            time.sleep(POLL_SECONDS)
        self.settled_after = time.monotonic() - started
        self.parts.box.settle()

    def report(self) -> Iterator[str]:
        """A small table, then the first breaches of each kind with what was logged of them."""
        verdict, users, last = self.verdict, self.users, self.verdict.last_comment
        refused = sum(not breach.issue.accepted for breach in verdict.of("lost"))
        after = max(0.0, (last - self.injector.last).total_seconds()) if last else None
        rows: dict[str, object] = {
            "issues": len(users.opened),
            **{kind: len(verdict.of(kind)) for kind in KINDS},
            "of the lost, refused at the door": refused,
            "processes that crashed": len(verdict.died),
            "labels created": len(verdict.created),
            "planted words found": len(verdict.found_words),
            "second comments undone": verdict.undone,
            "comments stored, answer lost": self.parts.posts.lost_answers,
            "deliveries doubled": users.doubles,
            "issues refused at the door": users.refused,
            **self.injector.did,
            "last fault to last comment, s": "none" if after is None else round(after, 1),
            "settled after, s": round(self.settled_after, 1),
            "seed": self.seed,
        }
        width = max(map(len, rows))
        yield from (f"{name:<{width}}  {value}" for name, value in rows.items())
        yield from verdict.told(self.parts)
