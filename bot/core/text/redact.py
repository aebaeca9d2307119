"""Replaces secrets, e-mail addresses and similar text by `[redacted:type]`, from one table."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache, partial
from itertools import chain
from operator import add
from typing import Literal

from bot.core.text.condense import HEAD_CHARS, INVISIBLE, TAIL_CHARS
from bot.core.text.redaction.columns import redact_columns
from bot.core.text.redaction.harmless import get_value_group
from bot.core.text.redaction.named import COLUMN_LITERALS
from bot.core.text.redaction.row import Row, compile_once
from bot.core.text.redaction.table import PERSONAL, SECRETS

RedactionKind = Literal["secrets", "emails"]

# Scanned beyond a cut and then dropped, so that no part of a secret stays at the cut.
_MARGIN = 4_000
# Shorter than what `condense` keeps, so that `condense` cuts nothing more.
_HEAD, _TAIL = HEAD_CHARS - _MARGIN, TAIL_CHARS - _MARGIN
_MAX_PASSES = 3

# A replacement next to a word: another pass may find a secret there.
_ADJACENT = re.compile(r"\[(?:(?<=\w\w.)redacted:|redacted:[a-z-]{1,30}\][.+-]*+\w)")


def redact(text: str, kinds: Collection[RedactionKind] = ("secrets", "emails")) -> str:
    """Return the text with `[redacted:type]` for each secret.

    The kind "emails" covers e-mail and IP addresses and phone numbers.
    """
    for _ in range(_MAX_PASSES):
        before, text = text, _redact_once(text, kinds)
        if text == before or not _ADJACENT.search(text):
            break
    return text


def redact_excerpt(
    body: str, kinds: Collection[RedactionKind] = ("secrets", "emails"), missing: int = 0
) -> str:
    """Return the redacted body, or head and tail of a very long one, without parts of secrets.

    `missing` is the number of characters that `bound_body` has already cut from the middle.
    """
    body = INVISIBLE.sub("", body)
    cut = len(body) + missing - _HEAD - _TAIL
    if cut <= 2 * _MARGIN:
        return redact(body, kinds)
    head = redact(body[: _HEAD + _MARGIN], kinds)[:-_MARGIN]
    tail = redact(body[-_TAIL - _MARGIN :], kinds)[_MARGIN:]
    return f"{head}\n[… {cut} characters cut]\n{tail}"


def _redact_once(text: str, kinds: Collection[RedactionKind]) -> str:
    found = _find_literals(text.lower())
    for row in SECRETS * ("secrets" in kinds) + PERSONAL * ("emails" in kinds):
        if not found.isdisjoint(row.literals):
            text = compile_once(row.pattern).sub(partial(_replace, row), text)
    has_columns = "secrets" in kinds and not found.isdisjoint(COLUMN_LITERALS)
    return redact_columns(text) if has_columns else text


def _find_literals(lowered: str) -> set[str]:
    """Return the literals of all rows, and of the names of columns, that a text has.

    Most begin with two characters that follow each other nowhere in the text, which a set shows in
    less time than a search for each.
    """
    pairs = {*lowered, *map(add, lowered, lowered[1:])}
    starts = pairs & _literals().keys()
    return {x for start in starts for x in _literals()[start] if x in lowered}


@cache
def _literals() -> Mapping[str, Collection[str]]:
    """Return these literals by their first two characters."""
    by_start: dict[str, set[str]] = {}
    of_rows = (row.literals for row in (*SECRETS, *PERSONAL))
    for literal in chain(COLUMN_LITERALS, *of_rows):
        by_start.setdefault(literal[:2], set()).add(literal)
    return by_start


def _replace(row: Row, match: re.Match[str]) -> str:
    if row.is_harmless(match):
        return match[0]
    start, end = match.span(get_value_group(match))
    before, after = match.string[match.start() : start], match.string[end : match.end()]
    return f"{before}[redacted:{row.name}]{after}"
