"""What a search for duplicates came to: as JSON, and as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.cli.backtest_report import build_figure, format_figure
from bot.cli.duplicates_replay import Lookup, Way
from bot.learn.evaluation import Share

NAMES: Mapping[Way, str] = {
    "every": "all reports",
    "any": "any word (GitHub)",
    "all": "every word (GitLab)",
}
NAME, COLUMN = 34, 25


def count_found(lookups: Sequence[Lookup]) -> Share:
    """Return how many reports have one about the same thing among their candidates."""
    return _count(lookups, lambda x: bool(x.same & x.found))


def count_originals(lookups: Sequence[Lookup]) -> Share:
    """Return how many reports have the other report of their pair among their candidates."""
    return Share(
        sum(bool(x.originals & x.found) for x in lookups), sum(bool(x.originals) for x in lookups)
    )


def count_recall(lookups: Sequence[Lookup], first: int) -> Share:
    """Return how many reports have one about the same thing among the first ones."""
    return _count(lookups, lambda x: not x.same.isdisjoint(x.ranked[:first]))


def count_precision(lookups: Sequence[Lookup]) -> Share:
    """Return how many of the reports that are shown are about the same thing."""
    return Share(sum(len(x.same & x.shown) for x in lookups), sum(len(x.shown) for x in lookups))


def count_shown(lookups: Sequence[Lookup]) -> Share:
    """Return for how many reports one about the same thing is shown."""
    return _count(lookups, lambda x: bool(x.same & x.shown))


def count_listed_precision(lookups: Sequence[Lookup]) -> Share:
    """Return how many of the pairs in the file that are shown are duplicates."""
    right = sum(len(x.originals & x.shown) for x in lookups)
    return Share(right, right + sum(len(x.different & x.shown) for x in lookups))


def count_different(lookups: Sequence[Lookup]) -> Share:
    """Return how many of the pairs of different reports are shown."""
    shown = sum(len(x.different & x.shown) for x in lookups)
    return Share(shown, sum(len(x.different) for x in lookups))


def _count(lookups: Sequence[Lookup], is_right: Callable[[Lookup], bool]) -> Share:
    known = [x for x in lookups if x.same]
    return Share(sum(map(is_right, known)), len(known))


FIGURES: Mapping[str, tuple[str, Callable[[Sequence[Lookup]], Share]]] = {
    "originals_found": ("candidates have the original", count_originals),
    "found": ("candidates have one of its group", count_found),
    "recall_at_1": ("such a one is the first", lambda x: count_recall(x, 1)),
    "recall_at_5": ("such a one is among the first 5", lambda x: count_recall(x, 5)),
    "recall_at_10": ("such a one is among the first 10", lambda x: count_recall(x, 10)),
    "shown_recall": ("such a one is shown", count_shown),
    "precision": ("shown ones that are right", count_precision),
    "listed_precision": ("shown pairs of the file, right", count_listed_precision),
    "different_shown": ("different pairs shown", count_different),
}


def build_way(way: Way, lookups: Sequence[Lookup]) -> dict[str, Any]:
    """Return the figures of one way to choose candidates."""
    times = sorted(1000 * x.seconds for x in lookups)
    return {
        "candidates": way,
        "candidates_mean": sum(len(x.found) for x in lookups) / len(lookups),
        **{name: build_figure(lookups, count) for name, (_, count) in FIGURES.items()},
        "ms_median": times[len(times) // 2],
        "ms_p95": times[int(0.95 * len(times))],
    }


def format_ways(ways: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a row for each figure, with a column for each way."""
    yield _format_row("", [NAMES[way["candidates"]] for way in ways])
    yield _format_row("candidates, mean", [f"{way['candidates_mean']:.0f}" for way in ways])
    for name, (title, _) in FIGURES.items():
        yield _format_row(title, [format_figure(way[name], "nothing") for way in ways])
    times = [f"{way['ms_median']:.1f}, {way['ms_p95']:.1f} ms" for way in ways]
    yield _format_row("comparison: median, 95th percentile", times)


def _format_row(title: str, cells: Sequence[str]) -> str:
    return f"  {title:{NAME}} {''.join(f'{cell:{COLUMN}}' for cell in cells)}".rstrip()
