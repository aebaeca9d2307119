"""What the admin page shows: plain values, read from the store alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from bot.core.correction_port import CorrectionStore
from bot.core.corrections import JudgedLabels
from bot.core.day_figures import (
    DAY,
    DayFigures,
    DayHistory,
    add_up_days,
    count_judged,
    find_day_start,
)
from bot.core.jobs import DeadLetter, JobRecord
from bot.core.metric_definitions import MetricsSnapshot
from bot.core.ports import ReconcileState
from bot.core.run_port import RunHistory
from bot.core.runs import Run
from bot.core.training import TrainingState
from bot.core.training_ports import TrainingStore
from bot.core.types import IssueRef
from bot.flow.list_runs import list_runs

DAYS = 31  # the plots', and the longest month
MAX_RUNS, MAX_REPOSITORIES, MAX_DEAD = 30, 100, 100


class ActivityStore(RunHistory, Protocol):
    """The parts of the store that the page reads."""

    @property
    def corrections(self) -> CorrectionStore: ...

    @property
    def training(self) -> TrainingStore: ...

    @property
    def reconcile_state(self) -> ReconcileState: ...

    @property
    def days(self) -> DayHistory: ...

    def reported_problems(self, repo_key: str) -> str: ...

    def job(self, job_id: str) -> JobRecord | None: ...


@dataclass(frozen=True, slots=True)
class RepositoryActivity(JudgedLabels):
    """A repository. `jobs` are those of the last week; `kept` and `removed` are labels that people
    judged since the first day of the plots."""

    name: str
    jobs: int
    kept: int
    removed: int
    has_config_problems: bool
    training: TrainingState | None


@dataclass(frozen=True, slots=True)
class DeadJob:
    letter: DeadLetter
    why: str


@dataclass(frozen=True, slots=True)
class Activity:
    """`days` are the last ones, the oldest first; `today` and `month` (UTC) are sums of some.

    `more_repositories` and `more_dead` are left out of the lists. `is_paused`: by the admin page.
    """

    now: float
    days: tuple[DayFigures, ...]
    today: DayFigures
    month: DayFigures
    runs: tuple[Run, ...]
    repositories: tuple[RepositoryActivity, ...]
    more_repositories: int
    dead: tuple[DeadJob, ...]
    more_dead: int
    metrics: MetricsSnapshot
    is_paused: bool

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.repositories or self.dead) and all(
            one.is_empty for one in self.days
        )

    def read_gauge(self, *key: str) -> float | None:
        return self.metrics.gauges.get(key)

    def list_gauges(self, name: str) -> Mapping[str, float]:
        """Return the values of a gauge with one label, by that label."""
        return {key[1]: value for key, value in self.metrics.gauges.items() if key[0] == name}

    def count_by(self, name: str) -> Mapping[str, Mapping[str, int]]:
        """Return a counter with two labels, by the first and then by the second one."""
        found: dict[str, dict[str, int]] = {}
        for (metric, *labels), number in sorted(self.metrics.counters.items()):
            if metric == name:
                found.setdefault(labels[0], {})[labels[1]] = number
        return found


def describe_activity(
    store: ActivityStore,
    letters: Callable[[], Sequence[DeadLetter]],
    snapshot: Callable[[], MetricsSnapshot],
    is_paused: Callable[[], bool],
    now: float,
) -> Activity:
    """Return what happened today, this month and last, as the store has it now."""
    today = find_day_start(now)
    first = today - (DAYS - 1) * DAY
    jobs = store.list_jobs()
    known = _order(store.reconcile_state.repositories(), jobs)
    judged = {x.repo_key: count_judged(store.corrections.list(x.repo_key)) for x in known}
    days = _add_judged(store.days.list_days(first, DAYS), judged.values())
    dead = letters()
    month = find_day_start(datetime.fromtimestamp(now, UTC).replace(day=1).timestamp())
    return Activity(
        now=now,
        days=days,
        today=days[-1],
        month=add_up_days([one for one in days if one.day >= month]),
        runs=list_runs(store, store.corrections, limit=MAX_RUNS),
        repositories=tuple(
            _describe_repository(ref, store, jobs, judged[ref.repo_key], first)
            for ref in known[:MAX_REPOSITORIES]
        ),
        more_repositories=max(0, len(known) - MAX_REPOSITORIES),
        dead=tuple(
            DeadJob(one, job.why if (job := store.job(one.job)) else "")
            for one in [*reversed(dead)][:MAX_DEAD]
        ),
        more_dead=max(0, len(dead) - MAX_DEAD),
        metrics=snapshot(),
        is_paused=is_paused(),
    )


def _order(repositories: Iterable[IssueRef], jobs: Sequence[JobRecord]) -> list[IssueRef]:
    """Return each repository once: those with the newest jobs first, then by name."""
    known = {ref.repo_key: ref for ref in sorted(repositories, key=str)}
    active = dict.fromkeys(job.repository for job in jobs if job.repository in known)
    return [known[key] for key in (*active, *(key for key in known if key not in active))]


def _add_judged(
    days: Sequence[DayFigures], judged: Iterable[Mapping[int, Counter[str]]]
) -> tuple[DayFigures, ...]:
    sums: dict[int, Counter[str]] = {}
    for one in judged:
        for day, counts in one.items():
            sums.setdefault(day, Counter()).update(counts)
    found = ((one, sums.get(one.day, Counter[str]())) for one in days)
    return tuple(replace(one, kept=x["kept"], removed=x["removed"]) for one, x in found)


def _describe_repository(
    ref: IssueRef,
    store: ActivityStore,
    jobs: Sequence[JobRecord],
    judged: Mapping[int, Counter[str]],
    since: int,
) -> RepositoryActivity:
    counts = sum((x for day, x in judged.items() if day >= since), Counter[str]())
    return RepositoryActivity(
        name=ref.repo_name,
        jobs=sum(job.repository == ref.repo_key for job in jobs),
        kept=counts["kept"],
        removed=counts["removed"],
        has_config_problems=bool(store.reported_problems(ref.repo_key)),
        training=store.training.training_state(ref.repo_key),
    )
