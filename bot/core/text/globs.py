"""Matches text against a list of globs such as `area/*`, compiled once to one pattern."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

SPECIAL = re.compile(r"[*?\[]")


def matches(text: str, globs: tuple[str, ...]) -> bool:
    """Return whether one of the globs matches all of the text, case-sensitively.

    Takes linear time: `fnmatch.translate` writes each star as an atomic group.
    """
    exact, pattern = _compile(globs)
    return text in exact or (pattern is not None and pattern.match(text) is not None)


@lru_cache(maxsize=128)  # a repository's lists recur with each label and each issue
def _compile(globs: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str] | None]:
    exact = frozenset(glob for glob in globs if not SPECIAL.search(glob))
    patterns = dict.fromkeys(re.sub(r"\*{2,}", "*", glob) for glob in globs if glob not in exact)
    return exact, re.compile("|".join(map(translate, patterns))) if patterns else None
