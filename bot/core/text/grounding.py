"""Drops a model's sentences with versions, codes or identifiers that its input does not contain.

This removes invented names and the text of the instructions.
"""

from __future__ import annotations

import re

_MAX_CHARS = 4000
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_QUOTED = re.compile(r"`([^`\n]{1,200})`")
_WORD = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"\d\.\d")
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Z])|.*_|0x[0-9a-f]", re.DOTALL)
_PUNCTUATION = re.compile(r"[^\w.]+|_+")


def drop_ungrounded(text: str, source: str) -> str:
    """Return the sentences of `text` whose names all occur in `source`, as one line."""
    sentences = _SENTENCE.split(text[:_MAX_CHARS])
    named = [(sentence.strip(), _find_names(sentence)) for sentence in sentences]
    known = _normalize(source) if any(names for _, names in named) else ""
    return " ".join(s for s, names in named if s and all(name in known for name in names))


def _find_names(sentence: str) -> list[str]:
    """Return the quoted texts, versions, codes and identifiers in normalized spelling."""
    names = _QUOTED.findall(sentence)
    names += (w for w in _WORD.findall(sentence) if _VERSION.search(w) or _CODE.match(w))
    return [_normalize(name).strip(".").removeprefix("v") for name in names]


def _normalize(text: str) -> str:
    """Return the text without case and punctuation but dots: `UTF-8` becomes `utf8`."""
    return _PUNCTUATION.sub("", text.casefold())
