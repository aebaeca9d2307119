"""Whether the bot is worth keeping in a repository: figures, and a verdict by a rule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.core.corrections import Correction, JudgedLabels, select_latest
from bot.core.day_figures import DAY, find_day_start
from bot.core.jobs import JobRecord
from bot.core.journal import Write
from bot.core.labels.names import fold
from bot.core.mode_limit import find_lowest_share
from bot.core.text.numbers import format_share
from bot.core.types import Record

JUDGED_SECONDS = 7 * DAY  # after a label was set
LABEL_SECONDS = 30 * DAY  # labels that were set before are not counted
JUDGED_FOR_VERDICT = 20
SWITCHED_OFF = 0.5  # of the share from which labels are applied

Advice = Literal["keep", "suggest", "off", "early"]


@dataclass(frozen=True, slots=True)
class DayCost:
    """The model calls of a day in UTC: dollars, and the issues and calls without a known price."""

    usd: float = 0.0
    issues: int = 0
    unknown: int = 0

    def __add__(self, other: DayCost) -> DayCost:
        return DayCost(
            self.usd + other.usd, self.issues + other.issues, self.unknown + other.unknown
        )


@dataclass(frozen=True, slots=True)
class Usefulness(JudgedLabels):
    """What the bot did in a repository, or in several, and what people made of it.

    `answered` are issues by what chose their labels, of which `silent` have no comment. `deleted`
    are comments that people deleted, as far as the bot came back to the issue, `undone` issues
    whose answer was taken back. `kept`, `removed` and `added` are labels within seven days after
    the bot had set some. `days` maps days (in seconds since the epoch) to their cost, `seconds` are
    those of each answer.
    """

    answered: Mapping[str, int] = field(default_factory=dict)
    silent: int = 0
    deleted: int = 0
    undone: int = 0
    applied: int = 0
    kept: int = 0
    removed: int = 0
    added: int = 0
    approved: int = 0
    dismissed: int = 0
    seconds: tuple[float, ...] = ()
    days: Mapping[int, DayCost] = field(default_factory=dict)

    @property
    def issues(self) -> int:
        return sum(self.answered.values())

    @property
    def silence_rate(self) -> float | None:
        return self.silent / self.issues if self.issues else None

    @property
    def cost(self) -> DayCost:
        """Return the cost of all days."""
        return sum(self.days.values(), DayCost())

    @property
    def usd_per_issue(self) -> float | None:
        cost = self.cost
        return cost.usd / cost.issues if cost.issues else None

    def find_seconds(self, share: float) -> float | None:
        """Return the seconds within which this share of the answers was given, None for none."""
        ordered = sorted(self.seconds)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the bot is worth keeping, in a sentence, and the rule behind it."""

    advice: Advice
    text: str
    rule: str


def measure(
    records: Iterable[Record],
    journal: Iterable[tuple[int, Sequence[Write]]],
    corrections: Iterable[Correction],
    jobs: Iterable[JobRecord],
    now: float,
) -> Usefulness:
    """Return the figures of a repository. `jobs` are those of the last days."""
    decided = [one for one in records if one.has_decided and one.source]
    undone = [one for one in decided if one.commands.undone or one.commands.withdrawn]
    deleted = [one for one in decided if one.status == "deleted" and one not in undone]
    silent = [x for x in decided if not x.comment_id and x not in undone and x not in deleted]
    set_at = _find_times(journal, now)
    judged = _count_judged(select_latest(corrections), set_at)
    jobs = [one for one in jobs if one.labeller]
    return Usefulness(
        answered=Counter(one.source for one in decided),
        silent=len(silent),
        deleted=len(deleted),
        undone=len(undone),
        applied=len(set_at),
        **judged,
        seconds=tuple(one.seconds for one in jobs if one.state == "done" and one.seconds),
        days=_sum_costs(jobs),
    )


def _find_times(
    journal: Iterable[tuple[int, Sequence[Write]]], now: float
) -> dict[tuple[int, str], float]:
    """Return when the bot set each label, by issue and folded name."""
    return {
        (number, fold(write.label)): write.at
        for number, writes in journal
        for write in writes
        if write.has_set_label and write.at >= now - LABEL_SECONDS
    }


def _count_judged(
    corrections: Iterable[Correction], set_at: Mapping[tuple[int, str], float]
) -> dict[str, int]:
    """Return the number of labels per verdict.

    A label that was removed later than within seven days was kept until then.
    """
    issues: dict[int, float] = {}
    for (number, _), at in set_at.items():
        issues[number] = min(at, issues.get(number, at))
    counts = dict.fromkeys(("kept", "removed", "added", "approved", "dismissed"), 0)
    for one in corrections:
        key = one.number, fold(one.label)
        if one.verdict in ("kept", "removed") and key in set_at:
            is_late = one.at > set_at[key] + JUDGED_SECONDS
            counts["kept" if is_late else one.verdict] += 1
        elif one.verdict in ("approved", "dismissed"):
            counts[one.verdict] += 1
        elif one.verdict == "added" and one.number in issues:
            counts["added"] += one.at <= issues[one.number] + JUDGED_SECONDS
    return counts


def _sum_costs(jobs: Iterable[JobRecord]) -> dict[int, DayCost]:
    """Return the cost of each day with model calls. Two calls for an issue are one issue."""
    days: dict[int, DayCost] = {}
    known: set[tuple[int, str, int]] = set()
    for job in jobs:
        if not job.model:
            continue
        day = find_day_start(job.at)
        issue = day, job.repository, job.number
        is_unknown = job.cost_usd is None
        cost = DayCost(job.cost_usd or 0.0, int(issue not in known), int(is_unknown))
        days[day] = days.get(day, DayCost()) + cost
        known.add(issue)
    return dict(sorted(days.items()))


SUMMED = (
    *("silent", "deleted", "undone", "applied", "kept", "removed", "added"),
    *("approved", "dismissed"),
)


def add_up(parts: Sequence[Usefulness]) -> Usefulness:
    """Return the figures of several repositories together."""
    answered: Counter[str] = Counter()
    days: dict[int, DayCost] = {}
    for one in parts:
        answered.update(one.answered)
        for day, cost in one.days.items():
            days[day] = days.get(day, DayCost()) + cost
    sums = {name: sum(getattr(one, name) for one in parts) for name in SUMMED}
    seconds = tuple(x for one in parts for x in one.seconds)
    return Usefulness(answered=answered, seconds=seconds, days=dict(sorted(days.items())), **sums)


def find_verdict(figures: Usefulness, precision: float) -> Verdict:
    """Return the verdict on a repository whose configuration asks for this precision.

    People notice a wrong label before a right one: where they judged less than half of the labels,
    it is no bad one.
    """
    keep = find_lowest_share(precision)
    off = keep * SWITCHED_OFF
    rule = (
        f"The rule: of the labels that Tagline set in the last 30 days and people judged within a"
        f" week ({JUDGED_FOR_VERDICT} at least), they kept {format_share(keep)} or more"
        f" (labels.precision less 20 points): worth keeping; less: `mode: suggest`; less than"
        f" {format_share(off)}: `mode: off`."
    )
    share, judged = figures.kept_share, figures.judged
    if share is None or judged < JUDGED_FOR_VERDICT:
        count = f"{judged} of the {JUDGED_FOR_VERDICT} labels that a verdict needs"
        return Verdict("early", f"Too early to say: people judged {count}.", rule)
    if share < keep and judged * 2 < figures.applied:
        count = f"{judged} of {figures.applied:,} labels"
        return Verdict("early", f"Too early to say: people judged only {count}.", rule)
    table: tuple[tuple[Advice, float, str], ...] = (
        ("keep", keep, "worth keeping"),
        ("suggest", off, "switch to `mode: suggest`"),
        ("off", 0.0, "of no use here: consider `mode: off`"),
    )
    advice, text = next((advice, text) for advice, least, text in table if share >= least)
    return Verdict(advice, f"Kept {format_share(share)} of {judged:,} labels: {text}.", rule)
