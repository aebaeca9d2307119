"""The scenarios by name. Each runs in a folder of its own and tells what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.chaos import burst, trials
from tests.chaos.storm import Run, Storm

# Shorter than the product's, so that a run of some seconds sees everything happen.
HURRY = (
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
    good: bool
    lines: tuple[str, ...]


Scenario = Callable[[Path, int, float, float | None], Outcome]

LONG = Storm(issues=2000, rate=8, receiver_dies=50)
SHORT = Storm(
    issues=40,
    rate=20,
    doubled=0.2,
    stored=0.2,
    silence=False,
    worker_dies=1.2,
    worker_kills=2,
    redis_dies=1.0,  # while issues come in: those that the door refuses are the sweep's
    redis_kills=1,
    outage=0.3,
    limit=30,
    settings=HURRY,
)


def storm(what: Storm, folder: Path, seed: int, scale: float, limit: float | None) -> Outcome:
    issues = max(1, round(what.issues * scale))
    run = Run(replace(what, issues=issues, limit=limit or what.limit), folder, seed)
    good = run.run().good
    return Outcome(good, tuple(run.report()))


def takeover(folder: Path, seed: int, scale: float, limit: float | None) -> Outcome:
    return _outcome(trials.takeover(folder, seed, round(20 * scale), limit or 180))


def flush(folder: Path, seed: int, scale: float, limit: float | None) -> Outcome:
    return _outcome(trials.flush(folder, seed, round(200 * scale), limit or 900))


def at_once(folder: Path, seed: int, scale: float, _limit: float | None) -> Outcome:
    return _outcome(burst.burst(folder, seed, scale))


def _outcome(told: trials.Told) -> Outcome:
    good, lines = told
    return Outcome(good, tuple(lines))


SCENARIOS: dict[str, Scenario] = {
    "long": partial(storm, LONG),
    "model-down": partial(storm, replace(LONG, model_down=True)),
    "network": partial(storm, replace(LONG, issues=400, rate=3, worker_dies=20, trouble=6)),
    "takeover": takeover,
    "flush": flush,
    "burst": at_once,
    "short": partial(storm, SHORT),
}
