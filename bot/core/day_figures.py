"""What happened on a day, in numbers only: answers, labels that people judged, cost and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.core.corrections import Correction, JudgedLabels, select_latest
from bot.core.jobs import JobRecord
from bot.core.pricing import MICRO, to_microdollars

DAY = 86_400
# Upper bounds of the times that are counted together; the last ones have none.
BOUNDS = (0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 45, 60, 90, 120, 180, 300)
ANSWERED, SECONDS, USD, UNKNOWN, DEAD = "answered", "seconds", "microdollars", "unpriced", "dead"


@dataclass(frozen=True, slots=True)
class DayFigures(JudgedLabels):
    """The figures of the day that begins at `day` (seconds since the epoch, UTC), or of several.

    `answered` are answers by what chose the labels, `seconds` the number of answers by the bound
    (of `BOUNDS`) below which their time was, `unpriced` jobs with a model whose price is unknown,
    and `dead` jobs that were given up. `kept` and `removed` are labels that people judged.
    """

    day: int
    answered: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[float, int] = field(default_factory=dict)
    usd: float = 0.0
    unpriced: int = 0
    dead: int = 0
    kept: int = 0
    removed: int = 0

    @property
    def answers(self) -> int:
        return sum(self.answered.values())

    @property
    def is_empty(self) -> bool:
        return not (self.answers or self.judged or self.usd or self.unpriced or self.dead)

    def find_seconds(self, share: float) -> float | None:
        """Return the bound below which this share of the answers was given, None for none."""
        total, counted = sum(self.seconds.values()), 0
        for bound, number in sorted(self.seconds.items()):
            counted += number
            if counted >= share * total:
                return bound
        return None


class DayHistory(Protocol):
    """Reads the figures that the store counts."""

    def list_days(self, since: int, number: int) -> tuple[DayFigures, ...]:
        """Return the figures of that many days from `since` on, without what people judged."""


def count_job(job: JobRecord) -> Mapping[str, int]:
    """Return what a job adds to the counts of its day, by field; nothing while it goes on."""
    if job.state not in ("done", "dead"):
        return {}
    counts: dict[str, int] = {}
    if job.state == "dead":
        counts[DEAD] = 1
    elif job.has_answered:
        counts[f"{ANSWERED} {job.labeller}"] = 1
        bound = next((x for x in BOUNDS if job.seconds <= x), BOUNDS[-1])
        counts[f"{SECONDS} {bound}"] = 1
    if job.model and job.cost_usd is None:
        counts[UNKNOWN] = 1
    elif job.model and job.cost_usd:
        counts[USD] = to_microdollars(job.cost_usd)
    return counts


def read_counts(day: int, counts: Mapping[str, int]) -> DayFigures:
    """Return the figures of the counts of a day."""
    answered: dict[str, int] = {}
    seconds: dict[float, int] = {}
    for name, number in counts.items():
        kind, _, detail = name.partition(" ")
        if kind == ANSWERED:
            answered[detail] = number
        elif kind == SECONDS:
            seconds[float(detail)] = number
    usd = counts.get(USD, 0) / MICRO
    return DayFigures(day, answered, seconds, usd, counts.get(UNKNOWN, 0), counts.get(DEAD, 0))


def find_day_start(at: float) -> int:
    """Return when the UTC day of a time began, both in seconds since the epoch."""
    return int(at // DAY * DAY)


def count_judged(corrections: Iterable[Correction]) -> Mapping[int, Counter[str]]:
    """Return how many labels of a repository people kept and removed, by day."""
    days: dict[int, Counter[str]] = {}
    for one in select_latest(corrections):
        if one.verdict in ("kept", "removed"):
            days.setdefault(find_day_start(one.at), Counter())[one.verdict] += 1
    return days


def add_up_days(days: Sequence[DayFigures]) -> DayFigures:
    """Return the figures of several days together."""
    answered: Counter[str] = Counter()
    seconds: Counter[float] = Counter()
    for one in days:
        answered.update(one.answered)
        seconds.update(one.seconds)
    return DayFigures(
        min((one.day for one in days), default=0),
        answered,
        seconds,
        sum(one.usd for one in days),
        sum(one.unpriced for one in days),
        sum(one.dead for one in days),
        sum(one.kept for one in days),
        sum(one.removed for one in days),
    )
