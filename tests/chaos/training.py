"""Issues are answered as fast while classifiers are trained; then workers that train are killed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import quantiles

from tests.chaos.parts import Parts
from tests.chaos.users import REPOS, TEMPLATES, OpenedIssue, Users, unique_words
from tests.chaos.verdict import KINDS, find_leaks, wait_for_end_state

HISTORY = 1_500  # issues of each repository
RATE = 4.0
MAX_RATIO = 1.25  # of the median times until the comment, with and without trainings
SEARCHES = "tagline:lease:train-search"
AGAIN = "bot.flow.schedule_training:TRAIN_AGAIN_SECONDS=0.1"
# A training follows the other.
CONTINUOUS = (
    AGAIN,
    "bot.flow.schedule_training:SEARCH_SECONDS=1",
    "bot.flow.schedule_training:REST_SECONDS=0",
    "bot.flow.schedule_training:SEND_AGAIN_SECONDS=3",
    "bot.flow.train_repository:BUSY_SECONDS=0.5",
    "bot.queue.periodic:EVERY_SECONDS=0.5",
    "bot.queue.broker:HEARTBEAT_MS=3000",
    "bot.store.locks:LOCK_MS=3000",
    "bot.store.locks:RENEW_SECONDS=0.5",
    "bot.store.locks:BUSY_SECONDS=0.4",
)


def training(folder: Path, seed: int, issues: int, limit: float) -> tuple[bool, tuple[str, ...]]:
    """Answer issues without trainings, with them, and while workers that train are killed."""
    parts = Parts(folder, Random(seed), CONTINUOUS)
    users = Users(parts, Random(seed))
    _add_history(parts, Random(f"{seed} history"))
    with parts.running():
        parts.direct.set(SEARCHES, 1)
        parts.start("serve")
        parts.start("worker")
        parts.wait_until_ready()
        _measure(parts, users, 8, limit)  # connections, tokens and caches
        without = _measure(parts, users, issues, limit)
        parts.direct.delete(SEARCHES)
        _wait_for_training(parts)
        before = _count_trained(parts)
        beside = _measure(parts, users, issues, limit)
        trained = _count_trained(parts) - before
        for constants in (CONTINUOUS, [one for one in CONTINUOUS if one != AGAIN]):
            users.open_all(issues // 4, RATE)
            parts.kill("worker")
            parts.settings = tuple(constants)
            parts.start("worker")
        verdict = wait_for_end_state(parts, users, limit)
        dead = parts.count_dead()
    verdict.crashes = parts.crashes
    verdict.leaked_words = find_leaks(folder, users.words)
    ratio = beside[49] / without[49]
    rows: dict[str, object] = {
        "issues": len(users.opened),
        **{kind: len(verdict.of(kind)) for kind in KINDS},
        "labels created": len(verdict.created_labels),
        "words of issues found": len(verdict.leaked_words),
        "dead letters": dead,
        "trainings beside the issues": trained,
        "until the comment without, p50 and p95 s": f"{without[49]:.3f} {without[94]:.3f}",
        "beside trainings, p50 and p95 s": f"{beside[49]:.3f} {beside[94]:.3f}",
        "ratio of the medians": f"{ratio:.2f} (at most {MAX_RATIO})",
    }
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {value}" for name, value in rows.items()]
    passed = verdict.passed and ratio <= MAX_RATIO and trained > 0 and not dead
    return passed, (*lines, *verdict.report(parts))


def _add_history(parts: Parts, rng: Random) -> None:
    """Add closed issues that say what the new ones will say, with the same labels."""
    words = unique_words(rng)
    for name, host in parts.box.hosts.items():
        for number in range(HISTORY):
            kind, word = rng.choice(TEMPLATES), next(words)
            issue = host.open_issue(
                *(REPOS[name], kind.title.format(word), kind.body.format(word)),
                labels=sorted(kind.labels(name)),
                created_at=1_600_000_000 + number,
                deliver=False,
            )
            host.close_issue(REPOS[name], issue, deliver=False)


def _measure(parts: Parts, users: Users, issues: int, limit: float) -> Sequence[float]:
    """Open issues, and return the percentiles of the seconds until their comments."""
    known = len(users.opened)
    users.open_all(issues, RATE)
    new, seconds = users.opened[known:], list[float]()
    until = time.monotonic() + limit
    while len(seconds) < len(new) and time.monotonic() < until:
        time.sleep(0.1)
        seconds = [one for issue in new if (one := _find_seconds(parts, issue)) is not None]
    return quantiles(seconds, n=100, method="inclusive")


def _find_seconds(parts: Parts, one: OpenedIssue) -> float | None:
    host, repo = parts.box.hosts[one.host], REPOS[one.host]
    comments = host.bot_comments(repo, one.number)
    opened_at = host.state.issue(repo, one.number).created_at
    return (comments[0].created_at - opened_at).total_seconds() if comments else None


def _count_trained(parts: Parts) -> int:
    return sum('"outcome":"trained"' in line for line in parts.log_lines("training ended"))


def _wait_for_training(parts: Parts) -> None:
    until = time.monotonic() + 60
    while not parts.log_lines("starting training"):
        assert time.monotonic() < until, "no training starts"
        time.sleep(0.1)
