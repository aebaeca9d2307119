"""Compares label names: two spellings of one name are the same label."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable

_VARIATION_SELECTORS = re.compile("[\ufe0e\ufe0f]")
_SHORTCODES = re.compile(r"(?<!\w):[\w+-]+:(?!\w)")
_GAPS = re.compile(r"[\s_-]+")
_QUOTES = " \"'`*\u2018\u2019\u201c\u201d"  # also of Markdown
_SYMBOLS = frozenset({"So", "Sk", "Cf", "Me"})  # categories of emoji and of what joins them


def fold(name: str) -> str:
    """Return a label name for comparison: without case, outer and repeated blanks, Unicode form."""
    if not name.isascii():
        name = _VARIATION_SELECTORS.sub("", unicodedata.normalize("NFKC", name))
    return " ".join(name.split()).casefold()


def _strip_symbols(name: str) -> str:
    """Return a folded name without emoji and quotation marks, with blanks for hyphens.

    "" for an emoji alone.
    """
    plain = _SHORTCODES.sub(" ", fold(name).removeprefix("- ").strip(_QUOTES))
    visible = (char for char in plain if unicodedata.category(char) not in _SYMBOLS)
    return _GAPS.sub(" ", "".join(visible)).strip()


def name_finder(names: Iterable[str]) -> Callable[[str], str | None]:
    """Return a function from a spelling to the name that it means; None where none or several fit.

    A name fits as it stands, else in another case or Unicode form, else with other emoji, hyphens
    or quotation marks.
    """
    exact = dict.fromkeys(names)
    found = {fold(name): name for name in reversed(exact)}
    counts = Counter(map(_strip_symbols, exact))
    similar = {key: name for name in exact if counts[key := _strip_symbols(name)] == 1 and key}

    def find(spelling: str) -> str | None:
        if spelling in exact:
            return spelling
        return found.get(fold(spelling)) or similar.get(_strip_symbols(spelling))

    return find
