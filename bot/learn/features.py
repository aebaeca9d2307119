"""An issue → hashed features: words, headings, answers in forms, and what the rules look at.

A feature's number is a hash with the part of the issue in its highest bits, so that no text can be
read from it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from itertools import pairwise
from zlib import crc32

from bot.core.labels import cues, keywords
from bot.core.text.condense import Line, classify_lines

Features = Mapping[int, float]

VERSION = 3  # of the features: models and examples of another one are of no use

HASH_BITS = 22
_MAX_TITLE = 300
_MAX_PROSE = 2_400
_MAX_CODE = 600
_MAX_WORD = 30
_MAX_HEADINGS = 30
_MAX_ANSWER = 60  # characters of a short answer in a form
_TOPIC_WEIGHTS = {"sure": 1.0, "likely": 0.7, "unsure": 0.4}

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)*|[.?!,;:\n]")
_IS_CJK = re.compile(f"[{_CJK}]")
_CAMEL_CASE = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])")
_NAME_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"\s*(?:[\[(<【]([^\])>】\n]{2,30})[\])>】]|([\w./ -]{2,30}):\s)")
_FIELD = re.compile(r"\s*[-*]?\s*\**([A-Za-z][\w /]{1,30}?)\**\s*[:=]\**\s+(\S.{0,60})$")


class Part(IntEnum):
    """The part of an issue that a feature is from; each is scaled to its own length."""

    TITLE = 0
    BODY = 1
    STRUCTURE = 2
    RULES = 3
    CUES = 4


def extract_features(title: str, body: str, rules: keywords.TypeWeights | None = None) -> Features:
    """Return the features of an issue with their weights.

    `rules` are the weights of the keyword rules, by default the shipped ones.
    """
    title, lines = title[:_MAX_TITLE], list(classify_lines(body))
    prose = "\n".join(text for kind, text in lines if kind in ("prose", "quote"))
    code = "\n".join(text for kind, text in lines if kind == "code")[:_MAX_CODE]
    counts: Counter[int] = Counter()
    counts.update(hash_feature(Part.TITLE, text) for text in _list_terms(title))
    shown = f"{prose[:_MAX_PROSE]}\n{code}"
    counts.update(hash_feature(Part.BODY, text) for text in _list_terms(shown))
    features = {number: round(1 + math.log(count), 2) for number, count in counts.items()}
    structure = {*_describe_title(title), *_describe_lines(lines)}
    features |= {hash_feature(Part.STRUCTURE, text): 1.0 for text in sorted(structure)}
    issue = cues.read_issue(title, body)
    phrases = cues.find_phrases(issue)
    found = cues.find_cues(issue, phrases)
    style = [f"{cue.part} {cue.name} {cue.times}" for cue in found]
    style.append(f"text of size {len(body).bit_length() // 2}")
    features |= {hash_feature(Part.CUES, text): 1.0 for text in style}
    rules = rules or keywords.load_weights()
    for match in keywords.match_cues(found, phrases, rules):
        features[hash_feature(Part.RULES, match.concept)] = _TOPIC_WEIGHTS[match.certainty]
    for concept, probability in keywords.score_cues(found, rules).items():
        features[hash_feature(Part.RULES, concept)] = max(0.01, round(probability, 2))
    return features


def hash_feature(part: Part, text: str) -> int:
    """Return the number of a feature."""
    return part << HASH_BITS | crc32(text.encode(errors="replace")) >> (32 - HASH_BITS)


def split_words(text: str) -> list[str]:
    """Return the words of a name or a description, as those of an issue are found."""
    return [word for word in _list_words(text) if word[0].isalnum()]


def _list_terms(text: str) -> Iterator[str]:
    """Yield words and pairs of words without punctuation between them."""
    words = list(_list_words(text))
    for word in words:
        if word[0].isalnum():
            yield word
            if len(word) > 6:
                yield f"{word[:5]}…"
    for first, second in pairwise(words):
        if first[0].isalnum() and second[0].isalnum():
            yield f"{first} {second}"
    for name in dict.fromkeys(_NAME_WORD.findall(text)):
        parts = _CAMEL_CASE.findall(name)
        if len(parts) > 1:
            yield from (part.lower() for part in parts)


def _list_words(text: str) -> Iterator[str]:
    """Yield words and punctuation in lower case; of a script without blanks, pairs of letters."""
    for token in _WORD.findall(text):
        if _IS_CJK.match(token):
            yield from (token[start : start + 2] for start in range(max(1, len(token) - 1)))
        elif not (token.isdigit() and len(token) > 3):
            yield token[:_MAX_WORD].lower().replace("'", "").replace("’", "")


def _describe_title(title: str) -> Iterator[str]:
    if tag := _TAG.match(title):
        yield f"tag {' '.join(split_words(tag[1] or tag[2]))}"
        title = title[tag.end() :]
    words = split_words(title)
    for end in range(1, min(3, len(words)) + 1):
        yield f"start {' '.join(words[:end])}"


def _describe_lines(lines: Iterable[Line]) -> Iterator[str]:
    """Yield headings, each with a short answer below it, and fields such as "OS: Windows"."""
    heading, found = "", 0
    for kind, text in lines:
        words = " ".join(split_words(text[:_MAX_ANSWER])) if text.strip() else ""
        if kind == "heading" and found < _MAX_HEADINGS:
            heading, found = words, found + 1
            yield f"heading {words}"
        elif words and heading and kind == "prose":
            if len(text) <= _MAX_ANSWER:
                yield f"answer {heading} = {words}"
            heading = ""
        if kind == "prose" and found < _MAX_HEADINGS and (field := _FIELD.match(text)):
            found += 1
            yield f"field {field[1].lower()}"
            yield f"field {field[1].lower()} = {' '.join(split_words(field[2])[:3])}"
