"""The shipped table of common words: in what share of a repository's issues each is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bot.learn.terms import list_terms

FILE = Path(__file__).with_name("common_words.txt")
RARE = 0.004  # the share of a word that is not in the table


@cache
def load_shares() -> Mapping[str, float]:
    """Return the shares of issues that have each word of the table."""
    return dict(_read(FILE.read_text(encoding="utf-8")))


@cache
def load_term_shares() -> Mapping[str, float]:
    """Return the shares by term: that of its most common word."""
    shares: dict[str, float] = {}
    for word, share in load_shares().items():
        for term in list_terms(word):
            shares[term] = max(share, shares.get(term, 0.0))
    return shares


def _read(text: str) -> list[tuple[str, float]]:
    rows = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return [(word, float(share) / 100) for share, _, words in rows for word in words.split()]
