"""A search in memory by the rules of the forges, to compare what these would find."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest

from bot.core.related import MAX_CANDIDATES, SearchQuery
from bot.learn.terms import list_words

_SATURATION, _LENGTH_SHARE = 1.2, 0.75
_MAX_TEXT = 20_000  # characters


class MemorySearch:
    """Searches texts, the oldest first, by words."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(list_words(text[:_MAX_TEXT])) for text in texts]
        self._lengths = [max(1, count.total()) for count in counts]
        self._mean = sum(self._lengths) / max(1, len(texts))
        self._uses: dict[str, dict[int, int]] = {}
        for number, count in enumerate(counts):
            for word, times in count.items():
                self._uses.setdefault(word, {})[number] = times
        self._words = sorted(self._uses)
        self._find: Mapping[str, Callable[[SearchQuery, range], list[int]]] = {
            "any": self._find_any,
            "all": self._find_all,
        }

    def search(self, queries: Sequence[SearchQuery], among: range, without: int) -> list[int]:
        """Return the texts that searches find, the best of each first, at most `MAX_CANDIDATES`."""
        pages = [self._find[query.match](query, among) for query in queries]
        merged = dict.fromkeys(chain.from_iterable(zip_longest(*pages)))
        found = [number for number in merged if number is not None and number != without]
        return found[:MAX_CANDIDATES]

    def _find_any(self, query: SearchQuery, among: range) -> list[int]:
        """Return one page of the texts with a word of the query, as GitHub does: by relevance."""
        scores: Counter[int] = Counter()
        for word in query.words:
            uses = self._uses.get(word, {})
            weight = math.log(1 + (len(self._lengths) - len(uses) + 0.5) / (len(uses) + 0.5))
            for number, times in uses.items():
                length = self._lengths[number] / self._mean
                norm = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length)
                scores[number] += weight * times / (times + norm)  # type: ignore[assignment]
        found = (number for number in scores if number in among)
        return sorted(found, key=lambda n: (-scores[n], -n))[:MAX_CANDIDATES]

    def _find_all(self, query: SearchQuery, among: range) -> list[int]:
        """Return one page of the texts with every word of the query, or one that begins with it.

        The newest come first, as on GitLab.
        """
        sets = [frozenset(self._list_uses(word)) for word in query.words]
        found = frozenset.intersection(*sets) if sets else frozenset()
        return sorted((n for n in found if n in among), reverse=True)[:MAX_CANDIDATES]

    def _list_uses(self, beginning: str) -> Iterator[int]:
        for word in self._words[bisect_left(self._words, beginning) :]:
            if not word.startswith(beginning):
                return
            yield from self._uses[word]
