"""Sketches of texts: whether two texts are nearly the same, without keeping either of them.

A. Broder, "On the resemblance and containment of documents", 1997.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from hashlib import blake2b

Sketch = tuple[int, ...]

SIZE = 32  # numbers in a sketch
MIN_SHARE = 0.95  # of their runs of words that texts which are nearly the same have in common
RUN = 3  # words
BITS = 32
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")


def make_sketch(text: str) -> Sketch:
    """Return the lowest hashes of the text's runs of words, in order.

    Case, punctuation and line breaks do not count. All numbers are the same: times and addresses
    differ each time.
    """
    words = _WORD.findall(_NUMBER.sub("0", text.casefold()))
    last = max(1, len(words) - RUN + 1)
    runs = {" ".join(words[start : start + RUN]) for start in range(last)}
    return tuple(sorted(map(_hash, runs))[:SIZE])


def is_near(one: Collection[int], other: Collection[int]) -> bool:
    """Return whether two texts are nearly the same, by their sketches."""
    lowest = sorted({*one, *other})[:SIZE]
    common = {*one}.intersection(other)
    return bool(lowest) and sum(x in common for x in lowest) >= MIN_SHARE * len(lowest)


def _hash(run: str) -> int:
    return int.from_bytes(blake2b(run.encode("utf-8", "replace"), digest_size=BITS // 8).digest())
