"""Drops sentences of a model that name a version, code or identifier which it was never shown.

So it can neither invent one nor tell what stands in its instructions.
"""

from __future__ import annotations

import re

_MAX_CHARS = 4000
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_QUOTED = re.compile(r"`([^`\n]{1,200})`")
_WORD = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"\d\.\d")
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Z])|.*_|0x[0-9a-f]", re.DOTALL)
_BETWEEN = re.compile(r"[^\w.]+|_+")


def grounded(text: str, shown: str) -> str:
    """The sentences of `text` whose names all occur in `shown`, as one line; "" where none is."""
    sentences = _SENTENCE.split(text[:_MAX_CHARS])
    named = [(sentence.strip(), _names(sentence)) for sentence in sentences]
    known = _squeezed(shown) if any(names for _, names in named) else ""
    return " ".join(s for s, names in named if s and all(name in known for name in names))


def _names(sentence: str) -> list[str]:
    found = [match[1] for match in _QUOTED.finditer(sentence)]
    found += (word for word in _WORD.findall(sentence) if _is_name(word))
    return [_squeezed(name).strip(".").removeprefix("v") for name in found]


def _is_name(word: str) -> bool:
    return bool(_VERSION.search(word) or _CODE.match(word))


def _squeezed(text: str) -> str:
    """Spelling apart: `UTF-8` is `utf8`, `v1.2` holds `1.2`."""
    return _BETWEEN.sub("", text.casefold())
