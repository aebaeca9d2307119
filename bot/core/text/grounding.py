"""Drops a model's sentences that say nothing about the issue.

These name versions, codes or identifiers that the issue does not contain, quote the instructions,
or repeat what was said before.
"""

from __future__ import annotations

import re
from functools import cached_property

_MAX_CHARS = 4000
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_QUOTED = re.compile(r"`([^`\n]{1,200})`")
_WORD = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_VERSION = re.compile(r"\d\.\d")
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Z])|.*_|0x[0-9a-f]", re.DOTALL)
_PUNCTUATION = re.compile(r"[^\w.]+|_+")
_LETTERS = re.compile(r"[^\W\d_]+")
_MIN_RUNS = 2  # runs of three words in a sentence that may be a quotation
_MIN_QUOTED = 0.5  # of its runs
_LONG_WORD, _STEM = 5, 4  # letters
_MIN_LONG_WORDS = 5
_MIN_SHARED = 0.15  # of a summary's long words


class Grounding:
    """Judges a model's sentences by the issue's text and by the instructions shown beside it."""

    def __init__(self, issue: str, instructions: str = "") -> None:
        self._issue = issue
        self._instructions = instructions

    def drop_ungrounded(self, text: str) -> str:
        """Return the sentences of `text` about the issue, each once, as one line."""
        kept: dict[str, str] = {}
        for part in _SENTENCE.split(text[:_MAX_CHARS]):
            words = _list_words(part)
            if words and self._has_names(part) and not self._is_told(words):
                kept.setdefault(" ".join(words), part.strip())
        return " ".join(kept.values())

    def is_about_issue(self, text: str) -> bool:
        """Return whether a text in the issue's language shares words with it, if it is long enough
        for that."""
        stems = [word[:_STEM] for word in _list_words(text) if len(word) >= _LONG_WORD]
        known = {word[:_STEM] for word in _list_words(self._issue)}
        return len(stems) < _MIN_LONG_WORDS or (
            sum(stem in known for stem in stems) >= _MIN_SHARED * len(stems)
        )

    def _has_names(self, sentence: str) -> bool:
        return all(name in self._names for name in _find_names(sentence))

    def _is_told(self, words: list[str]) -> bool:
        runs = _list_runs(words)
        return len(runs) >= _MIN_RUNS and len(runs & self._told) >= _MIN_QUOTED * len(runs)

    @cached_property
    def _names(self) -> str:
        return _normalize(self._issue)

    @cached_property
    def _told(self) -> set[str]:
        return _list_runs(_list_words(self._instructions)) - _list_runs(_list_words(self._issue))


def _list_words(text: str) -> list[str]:
    return _LETTERS.findall(text.casefold())


def _list_runs(words: list[str]) -> set[str]:
    """Return every run of three words."""
    return {" ".join(words[n : n + 3]) for n in range(len(words) - 2)}


def _find_names(sentence: str) -> list[str]:
    """Return the quoted texts, versions, codes and identifiers in normalized spelling."""
    names = _QUOTED.findall(sentence)
    names += (w for w in _WORD.findall(sentence) if _VERSION.search(w) or _CODE.match(w))
    return [_normalize(name).strip(".").removeprefix("v") for name in names]


def _normalize(text: str) -> str:
    """Return the text without case and punctuation but dots: `UTF-8` becomes `utf8`."""
    return _PUNCTUATION.sub("", text.casefold())
