"""What the searches of all forges have in common: words, the merging of results, links."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, zip_longest

from bot.core.errors import RateLimited, Retry, TaglineError
from bot.core.related import MAX_CANDIDATES, RelatedCandidate
from bot.core.types import Issue
from bot.forges.values import text

MAX_TITLE, MAX_WORD, MAX_BODY = 300, 60, 16_000  # characters
OPERATORS = frozenset({"and", "or", "not"})
MALFORMED = (AttributeError, LookupError, TypeError, ValueError)  # values of another type
LINK = re.compile(r"https?://(?P<host>[A-Za-z0-9.-]+)(?::\d{1,5})?(?P<path>/[^?#\s]*)")

Known = Mapping[int, RelatedCandidate]  # by number


def list_words(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the words of texts, each once: letters, their marks, and digits only.

    No other character is left that could have a meaning in a search, nor a word that has one:
    without a colon there is no qualifier, without quotes no phrase, without a minus no exclusion.
    """
    joined = unicodedata.normalize("NFKC", " ".join(texts))
    kept = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in joined)
    words = (word for word in kept.split() if len(word) <= MAX_WORD)
    return tuple(dict.fromkeys(word for word in words if word.casefold() not in OPERATORS))


def collect(
    searches: Iterable[Callable[[Known], Sequence[RelatedCandidate]]], number: int
) -> tuple[RelatedCandidate, ...]:
    """Run searches and return their results as `RelatedIssues.search` does, without `number`.

    Each search gets what the searches before it have found, so that no issue is read twice.
    """
    known: dict[int, RelatedCandidate] = {}
    lists: list[Sequence[RelatedCandidate]] = []
    for search in searches:
        try:
            lists.append(search(known))
            known.update((one.number, one) for one in lists[-1])
        except RateLimited:
            raise
        except (TaglineError, *MALFORMED) as error:
            if any(lists):
                break
            if isinstance(error, TaglineError):
                raise
            raise Retry("the response to a search cannot be read") from None
    ranked = chain.from_iterable(zip_longest(*lists))
    by_number = {one.number: one for one in ranked if one and one.number != number}
    return tuple(by_number.values())[:MAX_CANDIDATES]


def make_candidate(
    issue: Issue, url: str, *, milestone: object, state_reason: str = "", duplicate_of: int = 0
) -> RelatedCandidate:
    """Return an issue as a candidate, with the beginning of its body."""
    title = milestone.get("title") if isinstance(milestone, dict) else ""
    return RelatedCandidate(
        number=issue.ref.number,
        title=issue.title,
        body=issue.body[:MAX_BODY],
        url=url,
        labels=issue.labels,
        is_open=issue.is_open,
        state_reason=state_reason,
        created_at=issue.created_at,
        milestone=text(title),
        duplicate_of=duplicate_of,
    )


def is_candidate(issue: Issue) -> bool:
    """Return whether everybody who sees the repository may be sent to this issue."""
    hidden = issue.confidential or issue.locked or issue.is_pull_request or issue.other_type
    return not hidden


def choose_link(url: object, expected: Sequence[str], *, any_host: bool) -> str:
    """Return the forge's own link to an issue, or the first of the `expected` ones.

    The forge's own counts with the path of an expected one, on its host. With `any_host` it may be
    on another host: a server's API may be reached under another name than its pages.
    """
    if url in expected:
        return str(url)
    found = LINK.match(text(url))
    for one in expected if found else ():
        wanted = LINK.match(one)
        parts = ("path",) if any_host else ("path", "host")
        if found and wanted and all(found[x].lower() == wanted[x].lower() for x in parts):
            return found[0]
    return expected[0]
