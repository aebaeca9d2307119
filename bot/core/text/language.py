"""Whether two texts are clearly in different languages: by their script, else by small words.

Says nothing where it is not sure: a text of few words, a language that it does not know.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_MAX_CHARS = 2000
_FEWEST_LETTERS = 8
_MOSTLY = 0.5
_HARDLY = 0.1
_FEWEST_WORDS = 3
_CLEARLY = 3  # times as many small words as of the next language
_CODE = re.compile(r"```.*?(?:```|$)|`[^`\n]*`|https?://\S+", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "FULLWIDTH": "LATIN"}
_SMALL_WORDS = {
    "en": "the is are was were and of to in that it this with when not does for on from after be",
    "de": "der die das ist sind und nicht ein eine mit wenn auf für von nach wird beim dem den ich",
    "fr": "le la les est sont et une des du dans que pas pour avec quand après sur qui au ne je",
    "es": "el los las es son una del en que no para con cuando después al se por y lo está muy",
    "pt": "o os as é são uma do da em que não para com quando depois ao se por e na no está",
    "it": "il gli è sono una di che non per con quando dopo della nel si al dei ma lo questo",
    "nl": "de het een is zijn en niet met wanneer van op voor na wordt dat er bij ik naar als",
}
_LANGUAGES = {name: frozenset(words.split()) for name, words in _SMALL_WORDS.items()}


def differ(one: str, other: str) -> bool:
    """Whether it is clear that the texts are in different languages."""
    one, other = (_CODE.sub(" ", text[:_MAX_CHARS]) for text in (one, other))
    scripts = [_scripts(text) for text in (one, other)]
    if not all(scripts):
        return False
    mine, theirs = (max(found, key=lambda name: found[name]) for found in scripts)
    if mine != theirs:
        return scripts[0][mine] >= _MOSTLY and scripts[1].get(mine, 0) <= _HARDLY
    spoken = [_language(text) for text in (one, other)]
    return all(spoken) and spoken[0] != spoken[1]


def _scripts(text: str) -> dict[str, float]:
    """The share of each script among the letters; empty for too few of them."""
    if text.isascii():
        return {"LATIN": 1.0} if sum(map(str.isalpha, text)) >= _FEWEST_LETTERS else {}
    letters = Counter(filter(str.isalpha, text))
    if letters.total() < _FEWEST_LETTERS:
        return {}
    found: Counter[str] = Counter()
    for letter, count in letters.items():
        name = unicodedata.name(letter, "").partition(" ")[0]
        found[_ONE_SCRIPT.get(name, name)] += count
    return {name: count / letters.total() for name, count in found.items()}


def _language(text: str) -> str:
    """The language that its small words speak for; "" where they do not agree."""
    words = Counter(_WORD.findall(text.casefold()))
    hits = {
        name: sum(map(words.__getitem__, small & words.keys()))
        for name, small in _LANGUAGES.items()
    }
    first, second = sorted(hits, key=lambda name: -hits[name])[:2]
    clear = hits[first] >= max(_FEWEST_WORDS, _CLEARLY * hits[second])
    return first if clear else ""
