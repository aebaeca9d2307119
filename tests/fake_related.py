"""The part of the fake forge that is about older issues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.core.errors import TaglineError
from bot.core.related import Duplicate, RelatedCandidate, SearchQuery
from bot.core.types import IssueRef


@dataclass
class FakeRelated:
    """Implements `RelatedIssues`: each search finds `found`, or raises the next of `errors`.

    `duplicates` are what `find_duplicate` returns or raises, one after the other.
    """

    found: tuple[RelatedCandidate, ...] = ()
    errors: list[TaglineError] = field(default_factory=list)
    searches: list[tuple[tuple[SearchQuery, ...], str]] = field(default_factory=list)
    per_minute: int = 8
    takes_any: bool = True
    duplicates: list[Duplicate | TaglineError | None] = field(default_factory=list)

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

    def make_link(self, ref: IssueRef) -> str:
        return f"https://forge.example/{ref.repo}/issues?q={ref.number}"
