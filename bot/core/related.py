"""Older issues that may be about the same thing as a new one: their types, links to duplicates, and
what people said of those that comments named.

`learn.similarity` ranks them, `learn.search_queries` says how a forge is searched for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

MAX_CANDIDATES = 100  # that are compared with an issue, from all searches
MAX_SHOWN = 3
MIN_VERDICTS = 20  # before a repository may go quiet
MIN_CONFIRMED = 1 / 3  # of the verdicts; below it no older issue is named any more


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


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Why an issue was closed: as a duplicate of `original`, in the same repository.

    `original` is 0 if that is not known or in another repository. `closed_by` is a person as in
    `UserComment.author`, "" if unknown.
    """

    original: int
    closed_by: str


@dataclass(frozen=True, slots=True)
class RelatedVerdict:
    """What a person said of the older issues that the comment on an issue named.

    "confirmed": closed it as a duplicate of one of them; "corrected": of another one, or took the
    comment back. "resumed" has no issue: older issues are named again from then on. `at` is in
    seconds since the epoch, `config` the digest of the configuration in force.
    """

    number: int
    verdict: Literal["confirmed", "corrected", "resumed"]
    at: float
    config: str = ""


@dataclass(frozen=True, slots=True)
class RelatedFeedback:
    """How often people confirmed and corrected older issues in comments.

    `quiet_since` is when the repository went quiet, in seconds since the epoch, None if it is not.
    """

    confirmed: int = 0
    corrected: int = 0
    quiet_since: float | None = None

    @property
    def confirmed_share(self) -> float | None:
        """Return the share of all verdicts, None without any."""
        verdicts = self.confirmed + self.corrected
        return self.confirmed / verdicts if verdicts else None


def count_feedback(verdicts: Iterable[RelatedVerdict], config: str) -> RelatedFeedback:
    """Return what people have said, by the last verdict on each issue.

    Counts what was said since the configuration became the present one, `config`, and since the
    last "resumed". After 20 verdicts with fewer than a third confirmed the repository is quiet
    until either happens again.
    """
    latest: dict[int, RelatedVerdict] = {}
    feedback = RelatedFeedback()
    for one in sorted(verdicts, key=lambda one: one.at):
        if one.verdict == "resumed" or one.config != config:
            latest.clear()  # also if the former configuration is in force again
            feedback = RelatedFeedback()
            continue
        latest[one.number] = one
        confirmed = sum(other.verdict == "confirmed" for other in latest.values())
        since = feedback.quiet_since
        if since is None and len(latest) >= MIN_VERDICTS:
            since = one.at if confirmed / len(latest) < MIN_CONFIRMED else None
        feedback = RelatedFeedback(confirmed, len(latest) - confirmed, since)
    return feedback


def find_resumption(verdicts: Sequence[RelatedVerdict], config: str) -> RelatedVerdict | None:
    """Return the "resumed" to record where another configuration has ended the quiet.

    `verdicts` are the oldest first. Without this, the repository would be quiet again with a
    configuration that is changed and changed back.
    """
    if not verdicts or verdicts[-1].config == config:
        return None
    if count_feedback(verdicts, verdicts[-1].config).quiet_since is None:
        return None
    # Before what people say under the new configuration.
    return RelatedVerdict(0, "resumed", math.nextafter(verdicts[-1].at, math.inf), config)


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
