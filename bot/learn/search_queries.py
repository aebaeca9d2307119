"""Chooses the words that a forge is searched for, so that reports in other words are found too.

A forge's search by words knows no relation between them, and GitLab's wants every word. So a word
is chosen by how likely an older report of the same thing has it too, and by how many other issues
it would find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bot.core.related import MAX_CANDIDATES, SearchQuery
from bot.learn.fingerprints import find_errors
from bot.learn.frequencies import NO_FREQUENCIES, WordFrequencies
from bot.learn.terms import cut_ending, list_words

MAX_OR_WORDS = 6  # GitHub accepts five operators
MAX_AND_QUERIES = 3

_MAX_TITLE, _MAX_BODY = 300, 2_000  # characters
_MIN_LETTERS = 3  # GitLab drops shorter words
_ROOM = MAX_CANDIDATES / 2  # issues that a word may find before it is worth less
# The chance that another report of the same thing has a word, by how often the body has it (not,
# once, more often): of the pairs that `docs/figures.md` names.
_IN_TITLE = (0.25, 0.42, 0.60)
_IN_BODY = (0.0, 0.14, 0.25)


def make_or_queries(
    title: str, body: str, issues: int, frequencies: WordFrequencies = NO_FREQUENCIES
) -> tuple[SearchQuery, ...]:
    """Return up to two searches for any of up to six words, for a search that ranks by relevance.

    The first has words of the title, the second those of an error line, else of the body. `issues`
    is about how many the repository has, such as the number of the newest.
    """
    titles, bodies = list_words(title[:_MAX_TITLE]), list_words(body[:_MAX_BODY])
    worth = _rate(titles, bodies, issues, frequencies)
    errors = [word for error in find_errors(body)[:1] for word in list_words(error.probe)]
    rest = [*_sort(errors, worth), *_sort(bodies, worth)]
    first = _sort(titles, worth)[:MAX_OR_WORDS]
    second = [word for word in dict.fromkeys(rest) if word not in titles][:MAX_OR_WORDS]
    return tuple(SearchQuery(tuple(words), "any") for words in (first, second) if words)


def make_and_queries(
    title: str, body: str, issues: int, frequencies: WordFrequencies = NO_FREQUENCIES
) -> tuple[SearchQuery, ...]:
    """Return up to three searches for one word each, for a search that wants every word.

    It takes a word for the beginning of words too, so words come without their endings. `issues` is
    about how many the repository has, such as the number of the newest.
    """
    titles = list_words(title[:_MAX_TITLE], _MIN_LETTERS)
    bodies = list_words(body[:_MAX_BODY], _MIN_LETTERS)
    worth = _rate(titles, bodies, issues, frequencies)
    words = dict.fromkeys(cut_ending(word) for word in _sort([*titles, *bodies], worth))
    return tuple(SearchQuery((word,), "all") for word in list(words)[:MAX_AND_QUERIES])


def _rate(
    titles: Sequence[str], bodies: Sequence[str], issues: int, frequencies: WordFrequencies
) -> Mapping[str, float]:
    """Return how much each word is worth in a search."""
    counts, in_title = Counter(bodies), frozenset(titles)
    worth = {}
    for word in dict.fromkeys([*titles, *bodies]):
        if len(word) < _MIN_LETTERS and word.isascii():
            continue
        chance = (_IN_TITLE if word in in_title else _IN_BODY)[min(counts[word], 2)]
        worth[word] = chance * min(1.0, _ROOM / max(1.0, frequencies.share(word) * issues))
    return worth


def _sort(words: Iterable[str], worth: Mapping[str, float]) -> list[str]:
    """Return the words that are worth something, each once, the best first."""
    known = dict.fromkeys(word for word in words if word in worth)
    return sorted(known, key=lambda word: -worth[word])
