"""BM25 of title, counted twice, and body: the plain ranking to compare with."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from bot.cli.reports_file import Report

SATURATION, LENGTH_SHARE = 1.2, 0.75
WORD = re.compile(r"[^\W_]+")


class Bm25:
    """Ranks reports for one of them; words count in the query as often as they are there."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self._counts = [Counter(list_words(report)) for report in reports]
        mean = sum(count.total() for count in self._counts) / len(reports)
        uses = Counter(word for count in self._counts for word in count)
        self._weights: dict[str, dict[int, float]] = {}
        for place, count in enumerate(self._counts):
            norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * count.total() / mean)
            for word, times in count.items():
                others = len(reports) - uses[word]
                rarity = math.log(1 + (others + 0.5) / (uses[word] + 0.5))
                weight = rarity * times * (SATURATION + 1) / (times + norm)
                self._weights.setdefault(word, {})[place] = weight

    def rank(self, place: int, among: Sequence[int]) -> list[int]:
        """Return these reports, the most similar first."""
        scores: Counter[int] = Counter()
        for word, times in self._counts[place].items():
            for other, weight in self._weights[word].items():
                scores[other] += times * weight  # type: ignore[assignment]
        return sorted(among, key=lambda other: (-scores[other], -other))


def list_words(report: Report) -> list[str]:
    """Return the words of title, twice, and body."""
    title, body = (WORD.findall(text.lower()) for text in (report.title, report.body))
    return [*title, *title, *body]
