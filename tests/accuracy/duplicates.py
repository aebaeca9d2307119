"""Figures of the search for related issues, on pairs of duplicates from two bug trackers.

The weights of `bot/learn/similarity.py` are those fitted to Hadoop's reports, with duplicates and
without; the last table has the figures of each tracker with weights that were fitted to the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from bot.cli.duplicates_replay import WAYS, DuplicatesReplay, Lookup, Way
from bot.cli.duplicates_report import FIGURES, NAMES, count_precision, count_recall, count_shown
from bot.cli.reports_file import Pair, Report, read_pairs, read_reports
from bot.learn.evaluation import Figure, Share, estimate_share
from tests.accuracy.bm25 import Bm25
from tests.accuracy.duplicates_fit import fit, list_rows, rank_again
from tests.shared import shared_folder

TRACKERS = ("mozilla", "hadoop")
SEARCHES: tuple[Way, ...] = ("any", "all")
UNPAIRED_STEP = 8  # one in so many reports without a known duplicate is looked up
PAIRED_COPIES = 3  # in the fit, beside these


@dataclass(frozen=True, slots=True)
class Tracker:
    """The reports of a bug tracker, the oldest first, and what was found for them in each way."""

    reports: Sequence[Report]
    lookups: Mapping[Way, Sequence[Lookup]]


@cache
def load_tracker(name: str) -> Tracker:
    """Return a tracker of the shared material."""
    folder = shared_folder() / "eval"
    reports = read_reports(str(folder / f"dup_{name}_bugs.jsonl.gz"))
    pairs = read_pairs(str(folder / f"dup_{name}_pairs.jsonl.gz"), reports)
    replay = DuplicatesReplay(reports, pairs)
    return Tracker(reports, {way: list(replay.run(way, lambda _: None)) for way in WAYS})


def measure() -> Iterator[str]:
    """Yield the figures as lines of Markdown."""
    for name in TRACKERS:
        yield from _list_figures(name, load_tracker(name))
    yield from _list_unpaired()
    yield from _list_comparison()
    yield from _list_refitted()


def _list_figures(name: str, tracker: Tracker) -> Iterator[str]:
    yield f"\n### Related issues: {name}\n"
    yield f"| | {' | '.join(NAMES[way] for way in WAYS)} |"
    yield "|---" * (len(WAYS) + 1) + "|"
    for title, count in FIGURES.values():
        cells = (_show(estimate_share(tracker.lookups[way], count)) for way in WAYS)
        yield f"| {title} | {' | '.join(cells)} |"


def _show(figure: Figure | None) -> str:
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})" if figure else "-"


def _list_unpaired() -> Iterator[str]:
    yield "\n### Reports of hadoop without a known duplicate: those for which one is shown\n"
    for way in SEARCHES:
        lookups = look_up_unpaired(way, UNPAIRED_STEP // 2)
        yield f"- {NAMES[way]}: {_show(estimate_share(lookups, count_not_empty))}"


def look_up_unpaired(way: Way, start: int) -> list[Lookup]:
    """Return what is found for some of Hadoop's reports without a known duplicate."""
    reports = load_tracker("hadoop").reports
    single = [report.id for report in reports[1:] if not report.group][start::UNPAIRED_STEP]
    pairs = [Pair(key, reports[0].id, is_duplicate=False) for key in single]
    return [x for x in DuplicatesReplay(reports, pairs).run(way, lambda _: None) if x.found]


def count_not_empty(lookups: Sequence[Lookup]) -> Share:
    """Return for how many reports another one is shown."""
    return Share(sum(bool(lookup.shown) for lookup in lookups), len(lookups))


def _list_comparison() -> Iterator[str]:
    yield "\n### Ranking of all reports, beside BM25 (title twice and body)\n"
    yield "| tracker | among the first | Tagline | BM25 | right by one only | McNemar's p |"
    yield "|---|---|---|---|---|---|"
    for name in TRACKERS:
        tracker = load_tracker(name)
        ours = [lookup for lookup in tracker.lookups["every"] if lookup.same]
        theirs = rank_by_bm25(tracker.reports, ours)
        for first in (1, 5, 10):
            values = (count_recall(lookups, first).value for lookups in (ours, theirs))
            only = compare(ours, theirs, first)
            yield (
                f"| {name} | {first} | {' | '.join(f'{value:.3f}' for value in values)}"
                f" | {only[0]} and {only[1]} | {compute_mcnemar(*only):.4f} |"
            )


def rank_by_bm25(reports: Sequence[Report], lookups: Sequence[Lookup]) -> list[Lookup]:
    """Return the lookups with the ranking of BM25 in place of ours."""
    bm25 = Bm25(reports)
    return [replace(x, ranked=bm25.rank(x.place, sorted(x.found))) for x in lookups]


def compare(ours: Sequence[Lookup], theirs: Sequence[Lookup], first: int) -> tuple[int, int]:
    """Return in how many lookups only ours is right, and only theirs."""
    results = [
        (not x.same.isdisjoint(x.ranked[:first]), not y.same.isdisjoint(y.ranked[:first]))
        for x, y in zip(ours, theirs, strict=True)
    ]
    return results.count((True, False)), results.count((False, True))


def compute_mcnemar(one: int, other: int) -> float:
    """Return the two-sided p of McNemar's exact test."""
    total = one + other
    tail = sum(math.comb(total, n) for n in range(min(one, other) + 1))
    return min(1.0, tail / 2.0 ** (total - 1))


def _list_refitted() -> Iterator[str]:
    yield "\n### With weights that were fitted to the other tracker\n"
    yield "| tracker | weights, bias first | candidates | first 5 | shown, right | found |"
    yield "|---|---|---|---|---|---|"
    rows = {
        (name, way): [list_rows(load_tracker(name).reports, x) for x in _list_known(name, way)]
        for name in TRACKERS
        for way in SEARCHES
    }
    unpaired = [x for way in SEARCHES for x in look_up_unpaired(way, 0)]
    weights = {
        "mozilla": fit(
            [one for way in SEARCHES for one in rows["hadoop", way]] * PAIRED_COPIES
            + [list_rows(load_tracker("hadoop").reports, x) for x in unpaired]
        ),
        "hadoop": fit([one for way in SEARCHES for one in rows["mozilla", way]]),
    }
    for (name, way), measured in rows.items():
        pairs = zip(_list_known(name, way), measured, strict=True)
        again = [rank_again(lookup, one, weights[name]) for lookup, one in pairs]
        shares = (count_recall(again, 5), count_precision(again), count_shown(again))
        values = " | ".join(f"{share.value:.2f}" for share in shares)
        shown = ", ".join(f"{weight:.2f}" for weight in weights[name])
        yield f"| {name} | {shown} | {NAMES[way]} | {values} |"


def _list_known(name: str, way: Way) -> list[Lookup]:
    return [lookup for lookup in load_tracker(name).lookups[way] if lookup.same]
