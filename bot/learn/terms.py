"""Text → terms: words in lower case without their endings, so that "crashes" equals "crashing"."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

_MAX_WORD = 40
_MIN_BEGINNING = 4
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_CJK_LETTER = re.compile(f"[{_CJK}]")
_WORD = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")  # of a name such as HttpServer
_VOWEL = re.compile(r"[aeiouy]")
_ENDINGS = ("ies", "ing", "ed", "s")
_BREAKS = {n: " " for n in range(128) if chr(n) not in string.ascii_letters + string.digits}
_ASCII_BREAKS: dict[int, str | None] = {**_BREAKS, ord("'"): None}
_TYPOGRAPHY = {"’": "'", "\xa0": " ", "“": " ", "”": " ", "–": " ", "—": " ", "…": " "}


def list_terms(text: str) -> list[str]:
    """Return the terms of a text in order; of a script without blanks, pairs of letters."""
    return list(chain.from_iterable(map(_to_terms, _split(text))))


def map_terms(text: str) -> dict[str, str]:
    """Return the terms of a text, each with the first word that has it."""
    words = _split(text)
    return {term: word[:_MAX_WORD] for word in reversed(words) for term in _to_terms(word)}


def list_words(text: str, letters: int = 2) -> list[str]:
    """Return the words of a text in lower case, as `features` and a search split it; no numbers.

    `letters` is the length of the parts into which a script without blanks is split.
    """
    return [word[:_MAX_WORD].lower() for word in _split(text, letters) if not word.isdigit()]


def cut_ending(word: str) -> str:
    """Return the beginning that the other forms of a word have too, the word if that is short."""
    terms = _to_terms(word)
    ends = range(len(word), _MIN_BEGINNING - 1, -1) if len(terms) == 1 else ()
    return next((word[:end] for end in ends if terms[0].startswith(word[:end])), word)


def _split(text: str, letters: int = 2) -> list[str]:
    if not text.isascii():
        for character, plain in _TYPOGRAPHY.items():
            text = text.replace(character, plain)
    if text.isascii():  # as below, in a tenth of the time
        return text.translate(_ASCII_BREAKS).split()
    words = _WORD.findall(text.replace("'", ""))
    if not _CJK_LETTER.search(text):
        return words
    return [part for word in words for part in _split_cjk(word, letters)]


def _split_cjk(word: str, letters: int) -> Iterable[str]:
    if not _CJK_LETTER.match(word):
        return (word,)
    return (word[start : start + letters] for start in range(max(1, len(word) - letters + 1)))


@lru_cache(maxsize=16_384)
def _to_terms(word: str) -> tuple[str, ...]:
    word = word[:_MAX_WORD]
    return tuple(map(_stem, _PART.findall(word))) if word.isascii() else (word.lower(),)


def _stem(word: str) -> str:
    """Return a word in lower case without the endings of plurals and verbs, nor a final "e"."""
    word = word.lower()
    if len(word) < 4:
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
    return base.removesuffix("e") if len(base) > 3 else base
