"""One row of the table of what is redacted."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from bot.core.text.redaction.harmless import is_placeholder

MatchPredicate = Callable[[re.Match[str]], bool]


# Patterns are compiled at their first use: all of them together take a quarter of a second.
compile_once = functools.cache(re.compile)


class Row(NamedTuple):
    """`pattern` is searched only in texts with one of `literals` (in lower case).

    Its group `value`, or all of the match, is replaced, except where `is_harmless` is true.
    """

    name: str
    literals: tuple[str, ...]
    pattern: str
    is_harmless: MatchPredicate


def build_row(
    name: str,
    literals: str | tuple[str, ...],
    pattern: str,
    is_harmless: MatchPredicate = is_placeholder,
) -> Row:
    needed = tuple(literals.split()) if isinstance(literals, str) else literals
    return Row(name, needed, pattern, is_harmless)
