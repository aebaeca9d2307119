"""Statistics of a text of which an issue holds only a part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextStats:
    """Statistics of an issue's full text, for an issue that holds only a part of its body.

    `input` is the fingerprint of title and body, `words` their number of words (each counted up to
    `bounded.MAX_COUNTED_WORDS`), `cut` the number of characters removed between the body's head
    and tail.
    """

    input: str
    words: int
    cut: int = 0
