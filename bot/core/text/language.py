"""Detects whether two texts are clearly in different languages, by script or by stop words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_MAX_CHARS = 2000
_MIN_LETTERS = 8
_MAIN_SCRIPT_SHARE = 0.5
_OTHER_SCRIPT_SHARE = 0.1
_MIN_STOP_WORDS = 3
_MIN_LEAD = 3  # times as many stop words as of the next language
_CODE = re.compile(r"```.*?(?:```|$)|`[^`\n]*`|https?://\S+", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPT_GROUPS = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "FULLWIDTH": "LATIN"}
_STOP_WORDS = {
    "en": "the is are was were and of to in that it this with when not does for on from after be",
    "de": "der die das ist sind und nicht ein eine mit wenn auf für von nach wird beim dem den ich",
    "fr": "le la les est sont et une des du dans que pas pour avec quand après sur qui au ne je",
    "es": "el los las es son una del en que no para con cuando después al se por y lo está muy",
    "pt": "o os as é são uma do da em que não para com quando depois ao se por e na no está",
    "it": "il gli è sono una di che non per con quando dopo della nel si al dei ma lo questo",
    "nl": "de het een is zijn en niet met wanneer van op voor na wordt dat er bij ik naar als",
}
_LANGUAGES = {name: frozenset(words.split()) for name, words in _STOP_WORDS.items()}


def differ(one: str, other: str) -> bool:
    """Return whether the languages clearly differ; False for short texts, unknown languages."""
    texts = [_CODE.sub(" ", text[:_MAX_CHARS]) for text in (one, other)]
    scripts = [_count_scripts(text) for text in texts]
    if not all(scripts):
        return False
    main, other_main = (max(shares, key=shares.__getitem__) for shares in scripts)
    if main != other_main:
        first, second = scripts
        is_main = first[main] >= _MAIN_SCRIPT_SHARE
        return is_main and second.get(main, 0) <= _OTHER_SCRIPT_SHARE
    languages = [_detect_language(text) for text in texts]
    return all(languages) and languages[0] != languages[1]


def _count_scripts(text: str) -> dict[str, float]:
    """Return the share of each script among the letters; {} for too few letters."""
    letters = Counter(filter(str.isalpha, text))
    if letters.total() < _MIN_LETTERS:
        return {}
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        name = unicodedata.name(letter, "").partition(" ")[0]
        scripts[_SCRIPT_GROUPS.get(name, name)] += count
    return {name: count / letters.total() for name, count in scripts.items()}


def _detect_language(text: str) -> str:
    """Return the language with by far the most stop words, "" for none."""
    words = Counter(_WORD.findall(text.casefold()))
    hits = {
        name: sum(map(words.__getitem__, stop_words & words.keys()))
        for name, stop_words in _LANGUAGES.items()
    }
    first, second = sorted(hits, key=lambda name: -hits[name])[:2]
    is_clear = hits[first] >= max(_MIN_STOP_WORDS, _MIN_LEAD * hits[second])
    return first if is_clear else ""
