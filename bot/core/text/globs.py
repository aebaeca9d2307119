"""Globs such as `area/*`: a whole list of them is compiled once, and matched in one go."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

SPECIAL = re.compile(r"[*?\[]")


def matches(text: str, globs: tuple[str, ...]) -> bool:
    """Return whether one of the globs matches the whole text; case counts.

    The time grows with the lengths of both and the number of globs, never faster: each star keeps
    the first place where what follows it fits.
    """
    exact, pattern = _compiled(globs)
    return text in exact or (pattern is not None and pattern.match(text) is not None)


@lru_cache(maxsize=128)  # a repository's lists come again with each label and each issue
def _compiled(globs: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str] | None]:
    exact = frozenset(glob for glob in globs if not SPECIAL.search(glob))
    # Several stars in a row mean one.
    others = dict.fromkeys(re.sub(r"\*{2,}", "*", glob) for glob in globs if glob not in exact)
    return exact, re.compile("|".join(map(translate, others))) if others else None
