"""Text → terms: words in lower case without their endings, so that "crashes" equals "crashing"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

_MAX_WORD = 30
_ASCII_WORD = r"[A-Z]?[a-z]{1,60}(?:'[a-z]{1,9})?|[A-Z]{1,60}(?![a-z])|[0-9]{1,60}"
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
# Of names such as `HttpServer` each part is a word; only Latin letters have this custom.
_ASCII = re.compile(_ASCII_WORD)
_ANY = re.compile(rf"[{_CJK}]+|[A-Za-z]{{0,30}}[^\W\d_A-Za-z{_CJK}][^\W\d_{_CJK}]*|{_ASCII_WORD}")
_WHOLE = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:'[a-z]{{1,9}})?")
_IS_CJK = re.compile(f"[{_CJK}]")
_VOWEL = re.compile(r"[aeiouy]")
_ENDINGS = ("ies", "ing", "ed", "s")


def list_terms(text: str) -> list[str]:
    """Return the terms of a text in order; of a script without blanks, pairs of letters."""
    return [_stem(word) for word in _split_parts(text)]


def map_terms(text: str) -> dict[str, str]:
    """Return the terms of a text, each with the first word of which it is made."""
    words = list(_split_parts(text))
    return {_stem(word): word[:_MAX_WORD] for word in reversed(words)}


def _split_parts(text: str) -> Iterable[str]:
    return _ASCII.findall(text) if text.isascii() else _split(_ANY, text)


def list_words(text: str) -> list[str]:
    """Return the words of a text in lower case, as `features` and a search split it; no numbers."""
    words = (word[:_MAX_WORD].lower().replace("'", "") for word in _split(_WHOLE, text))
    return [word for word in words if not word.isdigit()]


def _split(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for word in pattern.findall(text.replace("’", "'")):
        if _IS_CJK.match(word):
            yield from (word[start : start + 2] for start in range(max(1, len(word) - 1)))
        else:
            yield word


@lru_cache(maxsize=16_384)
def _stem(word: str) -> str:
    """Return a word in lower case without the endings of plurals and verbs, nor a final "e"."""
    word = word[:_MAX_WORD].lower().replace("'", "")
    if len(word) < 4 or not word.isascii():
        return word
    ending = next((x for x in _ENDINGS if word.endswith(x)), "")
    base = word[: len(word) - len(ending)]
    if ending == "s" and base[-1] in "sui":  # class, status, this
        return word
    if ending in ("ing", "ed"):
        if len(base) < 3 or not _VOWEL.search(base):  # string, need
            return word
        if base[-1] == base[-2] and base[-1] not in "lsz":
            base = base[:-1]
    if ending == "ies":
        base += "y"
    if base.endswith(("xe", "che", "she", "sse", "ze")) or len(base) > 3:
        base = base.removesuffix("e")
    return base
