"""How many issues of a repository have a word: from its classifier, else from the shipped table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.learn.common_words import RARE, load_shares
from bot.learn.features import Part, hash_feature
from bot.learn.model import RepositoryModel


@dataclass(frozen=True, slots=True)
class WordFrequencies:
    """The number of `issues` that have a feature, by its number: no word can be read from it."""

    uses: Mapping[int, int] = field(default_factory=dict)
    issues: int = 0

    def share(self, word: str) -> float:
        """Return the share of issues that have a word in lower case, between 0 and 1."""
        parts = (Part.TITLE, Part.BODY)
        uses = max(self.uses.get(hash_feature(part, word), 0) for part in parts)
        return uses / self.issues if uses else load_shares().get(word, RARE)


NO_FREQUENCIES = WordFrequencies()


def read_frequencies(model: RepositoryModel | None) -> WordFrequencies:
    """Return the frequencies that a model has, none for no model."""
    if model is None:
        return NO_FREQUENCIES
    return WordFrequencies(model.weights.uses_by_number, model.examples)
