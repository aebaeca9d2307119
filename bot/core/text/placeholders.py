"""Recognizes what models write in place of a summary or a reason."""

from __future__ import annotations

import re

MIN_WORDS = 2
MIN_UNSPACED_CHARS = 4  # in a script without blanks between words
_LETTER = re.compile(r"[^\W\d_]")
_WORDS = re.compile(r"\w+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_BRACKETS = r"\[\]<>{}()【】（）"
_BRACKETED = re.compile(rf"[{_BRACKETS}][^{_BRACKETS}]*[{_BRACKETS}]")
_AROUND = " \t\n*_`\"'.:!"  # marks that may surround a text
# In lower case, without punctuation.
_NO_SUMMARY = frozenset(
    {
        *("not available", "not applicable", "not provided", "not specified", "to be determined"),
        *(
            "no summary",
            "no summary available",
            "no summary provided",
            "no description",
            "see above",
        ),
        *("a summary", "the summary", "short summary", "summary here", "your summary here"),
        *("one sentence", "one short sentence", "summary of the issue", "issue summary"),
    }
)
_STOP_WORDS = (
    "a an and are as at be but by for from has have i if in is it its na no none not null of on or"
    " reason so that the their then there these they this to true false was were will with yes you"
    " certain certainty guess likely possible probably sure unsure unknown"
)
_NO_REASON = frozenset(_STOP_WORDS.split())


def is_summary(text: str, title: str = "") -> bool:
    """Return whether a text says something that the issue's title does not say as it stands."""
    if _BRACKETED.fullmatch(text.strip(_AROUND)):  # "[short summary of the issue]"
        return False
    words = [word for word in text.split() if _LETTER.search(word)]
    if len(words) < MIN_WORDS and len(_UNSPACED.findall(text)) < MIN_UNSPACED_CHARS:
        return False
    plain = _to_plain(text)
    return plain not in _NO_SUMMARY and plain != _to_plain(title)


def is_reason(text: str) -> bool:
    """Return whether a text is more than stop words and single letters."""
    words = _to_plain(text).split()
    return any(word not in _NO_REASON and (len(word) > 1 or not word.isascii()) for word in words)


def _to_plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))
