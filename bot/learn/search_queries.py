"""Chooses the words that a forge is searched for, so that reports in other words are found too.

A forge's search by words knows no relation between them, and GitLab's wants every word. So a word
is chosen by how likely an older report of the same thing has it too, and by how many other issues
it would find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bot.core.related import MAX_CANDIDATES, SearchQuery
from bot.learn.fingerprints import find_errors
from bot.learn.frequencies import NO_FREQUENCIES, WordFrequencies
from bot.learn.terms import list_words

MAX_OR_QUERIES, MAX_AND_QUERIES = 2, 3
MAX_OR_WORDS = 6  # GitHub accepts five operators
_MAX_TITLE, _MAX_BODY = 300, 2_000  # characters
_MIN_LETTERS = 3  # GitLab drops shorter words
_ROOM = MAX_CANDIDATES / 2  # issues that a word may find before it is worth less
# The chance that another report of the same thing has a word, by whether it is in the title and how
# often in the body: of the pairs that `docs/figures.md` names.
_IN_TITLE = (0.25, 0.42, 0.60)
_IN_BODY = (0.0, 0.14, 0.25)
_IN_NO_OTHER_ISSUE = 0.05


def make_or_queries(
    title: str, body: str, issues: int, frequencies: WordFrequencies = NO_FREQUENCIES
) -> tuple[SearchQuery, ...]:
    """Return up to two searches for any of up to six words, for a search that ranks by relevance.

    The first has words of the title, the second those of an error line, else of the body.
    `issues` is about how many the repository has.
    """
    titles = list_words(title[:_MAX_TITLE])
    worth = _rate(titles, body, issues, frequencies)
    errors = [word for error in find_errors(body)[:1] for word in list_words(error.probe)]
    first = _choose(worth, titles)[:MAX_OR_WORDS]
    rest = [*_choose(worth, errors), *_choose(worth, list(worth))]
    second = [word for word in dict.fromkeys(rest) if word not in titles][:MAX_OR_WORDS]
    return tuple(SearchQuery(tuple(words), "any") for words in (first, second) if words)


def make_and_queries(
    title: str, body: str, issues: int, frequencies: WordFrequencies = NO_FREQUENCIES
) -> tuple[SearchQuery, ...]:
    """Return up to three searches for one word each, for a search that wants every word.

    `issues` is about how many the repository has.
    """
    worth = _rate(list_words(title[:_MAX_TITLE]), body, issues, frequencies)
    words = _choose(worth, list(worth))[:MAX_AND_QUERIES]
    return tuple(SearchQuery((word,), "all") for word in words)


def _rate(
    titles: Sequence[str], body: str, issues: int, frequencies: WordFrequencies
) -> Mapping[str, float]:
    """Return how much each word is worth in a search, those of the title first."""
    counts = Counter(list_words(body[:_MAX_BODY]))
    worth = {}
    for word in dict.fromkeys([*titles, *counts]):
        if len(word) < _MIN_LETTERS and word.isascii():
            continue
        share = frequencies.share(word)
        chances = _IN_TITLE if word in titles else _IN_BODY
        worth[word] = chances[min(counts[word], 2)] * min(1.0, _ROOM / max(1.0, share * issues))
        if share * frequencies.issues < 1.5 and frequencies.issues:
            worth[word] *= _IN_NO_OTHER_ISSUE
    return worth


def _choose(worth: Mapping[str, float], words: Sequence[str]) -> list[str]:
    """Return words of a text, the one that is worth most first; of equal ones the first."""
    return sorted({word: None for word in words if word in worth}, key=lambda word: -worth[word])
