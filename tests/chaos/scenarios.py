"""The scenarios by name. Each runs in its own folder and returns its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.chaos import burst, trials
from tests.chaos import training as trainings
from tests.chaos.storm import Run, Storm

# Shorter than the product's, so that a run of some seconds includes every kind of event.
SHORT_WAITS = (
    "bot.queue.broker:HEARTBEAT_MS=1500",
    "bot.store.locks:LOCK_MS=1500",
    "bot.store.locks:RENEW_SECONDS=0.3",
    "bot.store.locks:BUSY_SECONDS=0.4",
    "bot.queue.actors:FIRST_PAUSE=0.3",
    "bot.queue.worker:PICK_UP_MS=20",
    "bot.flow.publish:LOOK_AGAIN_SECONDS=[0.1, 0.2]",
    "bot.flow.reconcile:EVERY_SECONDS=1",
    "bot.flow.reconcile:MIN_AGE_SECONDS=2",
    "bot.queue.periodic:EVERY_SECONDS=0.5",
    "bot.flow.retry_fallbacks:PAUSES=[0.5, 1, 1]",
    "dramatiq.worker:CONSUMER_RESTART_DELAY_SECS=0.2",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    passed: bool
    lines: tuple[str, ...]


Scenario = Callable[[Path, int, float, float | None], Outcome]

LONG = Storm(issues=2000, rate=8, receiver_kill_period=50)
NETWORK = replace(LONG, issues=400, rate=3, worker_kill_period=20, network_fault_period=6)
# On one Redis that is not killed: the totals of `/metrics` must be those of the forges.
WORKERS = Storm(
    issues=5000,
    rate=25,
    lost_responses=0.02,
    timeouts=False,
    worker_kill_period=7,
    redis_kill_period=0,
    workers=4,
    limit=1800,
    has_totals=True,
)
SHORT = Storm(
    issues=40,
    rate=20,
    repeated=0.2,
    lost_responses=0.2,
    timeouts=False,
    worker_kill_period=1.2,
    worker_kills=2,
    redis_kill_period=1.0,  # while issues are opened, so that some deliveries are refused
    redis_kills=1,
    outage=0.3,
    limit=30,
    settings=SHORT_WAITS,
)


def storm(settings: Storm, folder: Path, seed: int, scale: float, limit: float | None) -> Outcome:
    issues = max(1, round(settings.issues * scale))
    run = Run(replace(settings, issues=issues, limit=limit or settings.limit), folder, seed)
    passed = run.run().passed
    return Outcome(passed, tuple(run.report()))


def takeover(folder: Path, seed: int, scale: float, limit: float | None) -> Outcome:
    return Outcome(*trials.takeover(folder, seed, round(20 * scale), limit or 180))


def flush(folder: Path, seed: int, scale: float, limit: float | None) -> Outcome:
    return Outcome(*trials.flush(folder, seed, round(200 * scale), limit or 900))


def training(folder: Path, seed: int, scale: float, limit: float | None) -> Outcome:
    return Outcome(*trainings.training(folder, seed, round(120 * scale), limit or 120))


def burst_deliveries(folder: Path, seed: int, scale: float, _limit: float | None) -> Outcome:
    return Outcome(*burst.burst(folder, seed, scale))


SCENARIOS: dict[str, Scenario] = {
    "long": partial(storm, LONG),
    "model-down": partial(storm, replace(LONG, model_down=True)),
    "network": partial(storm, NETWORK),
    "workers": partial(storm, WORKERS),
    "takeover": takeover,
    "flush": flush,
    "burst": burst_deliveries,
    "training": training,
    "short": partial(storm, SHORT),
}
