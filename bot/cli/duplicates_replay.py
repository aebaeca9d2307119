"""What `tagline duplicates` does: looks for the duplicates of each report, in three ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.cli.memory_search import MemorySearch
from bot.cli.reports_file import Pair, Report
from bot.core.related import MAX_SHOWN, RelatedCandidate
from bot.core.types import Issue, IssueRef
from bot.learn.search_queries import make_and_queries, make_or_queries
from bot.learn.similarity import rank_related

# How candidates are chosen: every report, or those that a search finds for any or for all words.
Way = Literal["every", "any", "all"]
WAYS: tuple[Way, ...] = ("every", "any", "all")


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found for the report at `place`; places are those in the order of time.

    `same` are the reports about the same thing, `originals` those of them that a pair names,
    `different` those of a pair of different reports. `found` are the candidates, `ranked` the same
    with the most probable first, `seconds` the time that this took.
    """

    place: int
    same: frozenset[int]
    originals: frozenset[int]
    different: frozenset[int]
    found: frozenset[int]
    ranked: Sequence[int]
    shown: frozenset[int]
    seconds: float


class DuplicatesReplay:
    """Looks reports up among the older ones; where not all have a time, among all others."""

    def __init__(self, reports: Sequence[Report], pairs: Sequence[Pair]) -> None:
        self.is_timed = all(report.time for report in reports)
        self._issues = [_make_issue(place, report) for place, report in enumerate(reports)]
        self._candidates = [
            RelatedCandidate(issue.ref.number, issue.title, issue.body) for issue in self._issues
        ]
        self._search = MemorySearch([f"{report.title}\n{report.body}" for report in reports])
        places = {report.id: place for place, report in enumerate(reports)}
        groups: dict[str, set[int]] = {}
        for place, report in enumerate(reports):
            groups.setdefault(report.group or f"only {report.id}", set()).add(place)
        self._originals: dict[int, set[int]] = {}
        self._different: dict[int, set[int]] = {}
        for pair in pairs:
            links = self._originals if pair.is_duplicate else self._different
            links.setdefault(places[pair.a], set()).add(places[pair.b])
        self._same = {
            place: self._originals.get(place, set())
            | groups[reports[place].group or f"only {reports[place].id}"]
            for place in sorted({*self._originals, *self._different})
        }

    def run(self, way: Way, show: Callable[[str], None]) -> Iterator[Lookup]:
        """Look up the first report of each pair, the oldest first."""
        for done, place in enumerate(self._same, 1):
            show(f"{done:,} of {len(self._same):,}")
            yield self._look_up(place, way)

    def _look_up(self, place: int, way: Way) -> Lookup:
        among = range(place if self.is_timed else len(self._issues))
        found = self._find(place, way, among)
        newest = IssueRef("file", "", "", len(self._issues) + 1)
        issue = replace(self._issues[place], ref=newest)
        start = time.perf_counter()
        related = rank_related(issue, [self._candidates[x] for x in found], len(found))
        seconds = time.perf_counter() - start
        older = frozenset(among) - {place}
        return Lookup(
            place,
            older & self._same[place],
            older & self._originals.get(place, set()),
            older & self._different.get(place, set()),
            frozenset(found),
            [x.candidate.number - 1 for x in related],
            frozenset([x.candidate.number - 1 for x in related if x.reasons][:MAX_SHOWN]),
            seconds,
        )

    def _find(self, place: int, way: Way, among: range) -> list[int]:
        if way == "every":
            return [other for other in among if other != place]
        make = make_or_queries if way == "any" else make_and_queries
        issue = self._issues[place]
        return self._search.search(make(issue.title, issue.body, len(among)), among, place)


def _make_issue(place: int, report: Report) -> Issue:
    return Issue(
        ref=IssueRef("file", "", "", place + 1),
        title=report.title,
        body=report.body,
        author="",
        is_bot=False,
        labels=(),
        is_open=True,
        locked=False,
        confidential=False,
        is_pull_request=False,
        created_at=0.0,
    )
