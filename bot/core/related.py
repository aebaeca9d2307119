"""Older issues that may be about the same thing as a new one: their types, and links to duplicates.

`learn.similarity` ranks them, `learn.search_queries` says how a forge is searched for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MAX_CANDIDATES = 100  # that are compared with an issue, from all searches
MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RelatedCandidate:
    """An issue that a forge's search found.

    `created_at` is in seconds since the epoch, 0 if it is not known. `state_reason` is why it was
    closed, in the forge's word, such as "duplicate"; "" if it is open or the forge gives none.
    `duplicate_of` is the issue that it was closed as a duplicate of, in the same repository, 0 if
    that is not known; `milestone` is the title of its milestone, "" without one.
    """

    number: int
    title: str
    body: str = ""
    url: str = ""
    labels: tuple[str, ...] = ()
    is_open: bool = True
    state_reason: str = ""
    created_at: float = 0.0
    milestone: str = ""
    duplicate_of: int = 0


@dataclass(frozen=True, slots=True)
class Related:
    """An older issue to show.

    `score` is the probability that both are about the same thing. `reasons` say why in words, for
    example "same error line"; they quote words of both issues, so they are escaped where they are
    shown.
    """

    candidate: RelatedCandidate
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search for issues that have any, or all, of these words; a forge's client gives it a form.

    The words have letters and digits only, and none of them twice.
    """

    words: tuple[str, ...]
    match: Literal["any", "all"]


def follow_duplicates(links: Mapping[int, int | None], start: int) -> int | None:
    """Return the issue at the end of the links from `start`; None if no link leads to an older one.

    The keys of `links` are the issues that exist; the value is the number of the issue that it is
    a duplicate of, None for no duplicate. An answer exists and is older than `start`, whatever the
    links are: of a circle it is the oldest issue, and a link that leads out of these is not
    followed.
    """
    path: list[int] = []
    here = links.get(start)
    while here is not None and here in links and here < start:
        if here in path:
            return min(path[path.index(here) :])
        path.append(here)
        here = links[here]
    return path[-1] if path else None
