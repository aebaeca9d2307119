"""The figures of `tagline stats`, and the verdict on a repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core.commands import CommandState
from bot.core.corrections import Correction, Verdict
from bot.core.day_figures import DAY, find_day_start
from bot.core.jobs import JobRecord
from bot.core.journal import Write
from bot.core.types import Record
from bot.core.usefulness import DayCost, Usefulness, add_up, find_verdict, measure
from tests.fakes import NOW

TODAY = find_day_start(NOW)
BY_MODEL = Record("answered", input="x", source="model", comment_id=5)
BY_RULES = Record("fallback", input="x", source="rules")


def figures_of(
    records: Sequence[Record] = (),
    journal: Sequence[tuple[int, Sequence[Write]]] = (),
    corrections: Sequence[Correction] = (),
    jobs: Sequence[JobRecord] = (),
) -> Usefulness:
    return measure(records, journal, corrections, jobs, NOW)


def label_set(number: int, name: str, days_ago: float) -> tuple[int, list[Write]]:
    at = NOW - days_ago * DAY
    return number, [Write(f"{number}{name}", "add-label", name, state="done", at=at)]


def judged(number: int, name: str, verdict: Verdict, days_ago: float) -> Correction:
    return Correction(number, name, verdict, NOW - days_ago * DAY, "model", "sure")


def test_issues_are_counted_by_what_answered_them() -> None:
    records = [
        BY_MODEL,
        replace(BY_MODEL, status="unchanged"),
        replace(BY_MODEL, status="quiet", comment_id=0),
        replace(BY_MODEL, source="classifier"),
        BY_RULES,
        replace(BY_MODEL, status="deleted"),
        replace(BY_MODEL, status="deleted", commands=CommandState(undone=True)),
        replace(BY_MODEL, status="deleted", comment_id=0, commands=CommandState(withdrawn=True)),
        Record("skipped", "closed"),
        Record("skipped", "locked", input="x"),
    ]
    found = figures_of(records)
    assert found.answered == {"model": 6, "classifier": 1, "rules": 1}
    assert (found.silent, found.deleted, found.undone) == (2, 1, 2)
    assert found.silence_rate == 0.25


def test_labels_are_judged_within_seven_days() -> None:
    journal = [
        label_set(1, "bug", 10),
        label_set(2, "bug", 10),
        label_set(3, "bug", 20),
        label_set(4, "bug", 40),  # too long ago
        (5, [Write("5", "add-label", "bug", state="refused", at=NOW)]),
        (6, [Write("6", "set-type", "Task", state="done", at=NOW - 2 * DAY)]),
        label_set(7, "bug", 1),
    ]
    corrections = [
        judged(1, "Bug", "removed", 9),
        judged(2, "bug", "kept", 1),
        judged(3, "bug", "removed", 12),  # a day late: kept until then
        judged(4, "bug", "removed", 39),
        judged(6, "Task", "removed", 1),
        judged(1, "docs", "added", 9),
        judged(3, "docs", "added", 12),
        judged(99, "docs", "added", 1),  # no issue of the bot's
        judged(1, "ui", "approved", 9),
        judged(2, "ui", "dismissed", 9),
        Correction(0, "", "resumed", NOW),
    ]
    found = figures_of((), journal, corrections)
    assert (found.applied, found.kept, found.removed, found.added) == (5, 2, 2, 1)
    assert (found.approved, found.dismissed, found.kept_share) == (1, 1, 0.5)


def job(number: int, usd: float | None, seconds: float = 1.0, days_ago: float = 0) -> JobRecord:
    at = NOW - days_ago * DAY
    return JobRecord(
        f"j-{number}-{usd}-{at}",
        "done",
        f"github:o/r#{number}",
        at=at,
        model="m",
        cost_usd=usd,
        repository="r",
        labeller="model",
        seconds=seconds,
    )


def test_costs_are_summed_per_day_and_issue() -> None:
    jobs = [job(1, 0.02), job(1, 0.01), job(2, None), job(3, 0.03, days_ago=1)]
    others = [replace(job(4, 0.5), labeller=""), replace(job(5, 0.0), model="", cost_usd=0.0)]
    found = figures_of(jobs=[*jobs, *others])
    assert found.days == {TODAY - int(DAY): DayCost(0.03, 1, 0), TODAY: DayCost(0.03, 2, 1)}
    assert found.cost == DayCost(0.06, 3, 1)
    assert found.usd_per_issue == pytest.approx(0.02)


def test_seconds_have_percentiles_of_the_nearest_rank() -> None:
    found = figures_of(jobs=[job(n, 0.0, float(n)) for n in range(1, 21)])
    assert (found.find_seconds(0.5), found.find_seconds(0.95)) == (10.0, 19.0)
    assert figures_of().find_seconds(0.5) is None


VERDICTS = [
    (293, 19, "keep", "Kept 94 % of 312 labels: worth keeping."),
    (70, 30, "keep", "Kept 70 % of 100 labels: worth keeping."),
    (58, 42, "suggest", "Kept 58 % of 100 labels: switch to `mode: suggest`."),
    (20, 80, "off", "Kept 20 % of 100 labels: of no use here: consider `mode: off`."),
    (19, 0, "early", "Too early to say: people judged 19 of the 20 labels that a verdict needs."),
]


@pytest.mark.parametrize(("kept", "removed", "advice", "text"), VERDICTS)
def test_the_verdict_follows_from_the_share_of_kept_labels(
    kept: int, removed: int, advice: str, text: str
) -> None:
    verdict = find_verdict(Usefulness(kept=kept, removed=removed), 0.9)
    assert (verdict.advice, verdict.text) == (advice, text)
    assert "they kept 70 % or more" in verdict.rule
    assert "less than 35 %" in verdict.rule


def test_labels_that_few_people_judged_are_not_condemned() -> None:
    figures = Usefulness(applied=312, kept=5, removed=25)
    assert find_verdict(figures, 0.9).text == (
        "Too early to say: people judged only 30 of 312 labels."
    )
    assert find_verdict(replace(figures, kept=100), 0.9).advice == "keep"


def test_the_figures_of_several_repositories_add_up() -> None:
    parts = [
        Usefulness({"model": 2}, silent=1, kept=3, seconds=(1.0,), days={1: DayCost(0.1, 1)}),
        Usefulness({"model": 1, "rules": 4}, kept=1, removed=2, days={1: DayCost(0.2, 2, 1)}),
    ]
    total = add_up(parts)
    assert total.answered == {"model": 3, "rules": 4}
    assert (total.silent, total.kept, total.removed, total.issues) == (1, 4, 2, 7)
    assert total.days == {1: DayCost(0.1 + 0.2, 3, 1)}
    assert add_up([]) == Usefulness({}, days={})
