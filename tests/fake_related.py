"""The part of the fake forge that is about older issues."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.core.errors import TaglineError
from bot.core.related import Duplicate, RelatedCandidate, SearchQuery
from bot.core.types import Issue, IssueRef


@dataclass
class FakeRelated:
    """Implements `RelatedIssues`: each search finds `found`, or raises the next of `errors`.

    `duplicates` are what `find_duplicate` returns or raises, one after the other. With `current`,
    which returns the issue, other issues may be `confidential` or `deleted` by now, as on GitLab.
    """

    found: tuple[RelatedCandidate, ...] = ()
    errors: list[TaglineError] = field(default_factory=list)
    searches: list[tuple[tuple[SearchQuery, ...], str]] = field(default_factory=list)
    per_minute: int = 8
    takes_any: bool = True
    duplicates: list[Duplicate | TaglineError | None] = field(default_factory=list)
    current: Callable[[], Issue] | None = None
    confidential: set[int] = field(default_factory=set)
    deleted: set[int] = field(default_factory=set)

    def search(
        self, ref: IssueRef, queries: Sequence[SearchQuery], title: str
    ) -> tuple[RelatedCandidate, ...]:
        self.searches.append((tuple(queries), title))
        if self.errors:
            raise self.errors.pop(0)
        return tuple(one for one in self.found if one.number != ref.number)

    def find_duplicate(self, ref: IssueRef) -> Duplicate | None:
        found = self.duplicates.pop(0)
        if isinstance(found, TaglineError):
            raise found
        return found

    def get_issues(self, ref: IssueRef, numbers: Sequence[int]) -> Mapping[int, Issue]:
        if self.current is None:
            return {}
        found = {ref.number: self.current()}
        others = (number for number in numbers if number != ref.number)
        for number in others:
            if number not in self.deleted:
                issue = replace(found[ref.number], ref=replace(ref, number=number))
                found[number] = replace(issue, confidential=number in self.confidential)
        return found

    def make_link(self, ref: IssueRef) -> str:
        return f"https://forge.example/{ref.repo}/issues?q={ref.number}"
