"""The ports that find older issues like a new one; see `Forge.related`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from bot.core.related import Duplicate, RelatedCandidate, RelatedVerdict, SearchQuery
from bot.core.types import Issue, IssueRef

SEARCH_SECONDS = 4.0  # of all requests of one call of `search` together


class RelatedIssues(Protocol):
    """Searches the issues of a repository by the forge's own search. Raises the errors of `Forge`.

    `per_minute` is how many calls of `search` the forge accepts from an account. With `takes_any` a
    search for any of several words is one request; without it, each word is one.
    """

    @property
    def per_minute(self) -> int: ...

    @property
    def takes_any(self) -> bool: ...

    def search(
        self, ref: IssueRef, queries: Sequence[SearchQuery], title: str
    ) -> tuple[RelatedCandidate, ...]:
        """Return issues like the one at `ref`, the best of each search first, each issue once.

        `queries` are sent in their order, as many as the forge's limit permits; `title` where the
        forge compares meanings. Leaves out the issue itself, pull requests, confidential and locked
        issues, work items of other types, the bot's own issues, and what is in another repository.
        Ends after `SEARCH_SECONDS`; a search that fails after another one has succeeded is left
        out, unless it is a rate limit.
        """

    def get_issues(self, ref: IssueRef, numbers: Sequence[int]) -> Mapping[int, Issue]:
        """Return issues of the repository as they are now, by number, with one request.

        Returns none where issues cannot become confidential, as on GitHub.
        """

    def make_link(self, ref: IssueRef) -> str:
        """Return the address of an issue in a form that the forge does not take for a reference.

        A reference in a comment would leave a mark on the other issue.
        """

    def find_duplicate(self, ref: IssueRef) -> Duplicate | None:
        """Return what the issue was closed as a duplicate of, and by whom; None where it is open
        or was closed for another reason.

        Sends no request about the other issue, which may not exist any more.
        """


class RelatedVerdicts(Protocol):
    """Whether older issues in comments were the right ones, per repository: at least the last
    `MAX_RELATED_VERDICTS`."""

    def add(self, repo_key: str, verdicts: Collection[RelatedVerdict]) -> None: ...

    def list(self, repo_key: str) -> tuple[RelatedVerdict, ...]:
        """Return the verdicts, oldest first."""


class SearchBudget(Protocol):
    """How often each account may search, shared by all workers: searches have their own limits."""

    def take(self, account: str, per_minute: int) -> bool:
        """Count a search and return True; False where it has to be left out."""

    def pause(self, account: str, seconds: float) -> None:
        """Permit no search for that time, as the forge requires."""
