"""The rules used without a model: concepts found by an issue's words, and the labels for them.

`keyword_weights.json` holds what a phrase counts for a concept, by the part of the issue that holds
it (`find_keywords` lists the parts): tenths of log odds for types, points for topics. Phrases are
in lower case, without apostrophes ("doesnt"). `policy` decides which labels are set.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from bot.core.config.schema import WordRule
from bot.core.labels.aliases import ALIASES
from bot.core.text.condense import Line, LineKind, classify_lines
from bot.core.types import Certainty

_COMMON_TAGS = (
    "bug feature-request frontend backend documentation performance security database api ui/ux"
    " urgent"
)
COMMON_TAGS = tuple(_COMMON_TAGS.split())

WEIGHTS_FILE = Path(__file__).with_name("keyword_weights.json")

Keyword = tuple[str, str]  # a part of an issue, and a phrase in it
Weights = dict[str, dict[Keyword, int]]  # by concept

_MAX_TITLE = 300
_MAX_PROSE = 6_000
_MAX_RULE_TEXT = 24_000
_MAX_PHRASE = 4  # words
_MAX_EVIDENCE = 3  # keywords
_MIN_EVIDENCE_WEIGHT = 4  # a type needs one keyword of this weight
_SURE, _LIKELY, _UNSURE = 0.75, 0.42, 0.36  # probability of a type
_TEMPERATURE = 20  # tenths of log odds, halved: words of one meaning are not independent
_TOPIC_SURE, _TOPIC_LIKELY = 5, 3  # points

# First words of a label that name a family of labels.
_FAMILY_NAMES = (
    "kind type t c category cat issue is area a topic scope module component comp team domain"
    " subsystem tag label impact priority prio severity sev resolution"
)
_FAMILIES = frozenset(_FAMILY_NAMES.split())
_NAME_WORD = re.compile(r"[^\W_]+")
_SHORTCODE = re.compile(r"(?<!\w):[a-z0-9_+\-]+:(?!\w)")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.?!,;:\n]")
_INLINE_CODE = re.compile(r"(`+)[^`]{1,300}\1")
_NON_BLANK = re.compile(r"\S+")
_IDENTIFIER = re.compile(r"[\w)]\.[A-Za-z_]|_|::|[/\\]|[a-z][A-Z]|\w\(\)|\S{80}")
_TRACE = re.compile(
    r"(?m)^[ \t]*(?:Traceback \(most recent|at [\w$.<>]+[ (]|File \"[^\"\n]+\", line \d+|#\d+ +0x"
    r"|goroutine \d+ \[|thread '[^'\n]*' panicked|Caused by: )"
)
_EXCEPTION = re.compile(r"\b(?:[A-Z]\w+(?:Error|Exception)\b|segfault|SIGSEGV|core dumped|panic:)")
_TYPE_HEADING = re.compile(r"(?i)(?:issue|report|ticket|request|bug) type|^\W*(?:type|kind)\W*$")
_BRACKET = re.compile(r"\s*[\[(<【]([^\])>】\n]{2,30})[\])>】]")


class KeywordWeights(NamedTuple):
    types: Weights  # of an issue's types, which exclude each other
    type_bias: dict[str, int]
    topics: Weights


@dataclass(frozen=True, slots=True)
class Match:
    """A concept found in an issue. `evidence` quotes the table of keywords, never the issue."""

    concept: str
    certainty: Certainty
    evidence: str


def match(title: str, body: str) -> tuple[Match, ...]:
    """Return the concepts, highest score first; at most one of bug, feature and question."""
    keywords = find_keywords(title, body)
    scored = [*_score_types(keywords), *_score_topics(keywords)]
    return tuple(match for _, match in sorted(scored, key=lambda pair: -pair[0]))


def label_for(concept: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that means `concept`, in its most common spelling."""
    ranks = _rank_aliases(concept)
    fitting = [
        (ranks[key], len(name), name)
        for name in names
        for key in _normalize_name(name)
        if key in ranks
    ]
    return min(fitting)[2] if fitting else None


def is_type_name(name: str) -> bool:
    """Return whether a label names a type of issue, such as a bug or a question."""
    keys = _normalize_name(name)
    return any(key in _rank_aliases(concept) for concept in load_weights().types for key in keys)


def match_rules(title: str, body: str, rules: Sequence[WordRule]) -> tuple[tuple[str, str], ...]:
    """Return label and matching phrase of each rule that applies; whole words, any case."""
    visible = "\n".join(line for _, line in classify_lines(body))[:_MAX_RULE_TEXT]
    text = " ".join(f"{title[:_MAX_TITLE]}\n{visible}".casefold().split())
    return tuple(
        (rule.label, phrase)
        for rule in rules
        if (phrase := _find_first(text, rule.any)) and not _find_first(text, rule.none)
    )


def find_keywords(title: str, body: str) -> frozenset[Keyword]:
    """Return every phrase of an issue that may have a weight, with the part that holds it."""
    title = title[:_MAX_TITLE]
    body_lines = list(classify_lines(body))
    prose = _join(body_lines, "prose")[:_MAX_PROSE]
    parts: dict[str, Iterable[str]] = {
        "title": _split_phrases(title),
        "start": _find_leading(title),
        "body": _split_phrases(prose),
        "body start": _find_leading(prose),
        "heading": _split_phrases(_join(body_lines, "heading")),
        "form": _find_form_answers(body_lines),
        "flag": _find_flags(title, prose, body_lines),
    }
    return frozenset((part, phrase) for part, phrases in parts.items() for phrase in phrases)


@cache
def load_weights() -> KeywordWeights:
    """Return the tables of `keyword_weights.json`."""
    data = json.loads(WEIGHTS_FILE.read_bytes())
    tables: dict[str, Weights] = {"types": {}, "topics": {}}
    for name, table in tables.items():
        for row in data[name]:
            for concept, weight in row["weights"].items():
                keywords = dict.fromkeys(((row["part"], p) for p in row["phrases"]), weight)
                table.setdefault(concept, {}).update(keywords)
    return KeywordWeights(tables["types"], data["type_bias"], tables["topics"])


def _find_form_answers(body_lines: list[Line]) -> Iterator[str]:
    """Yield the first line below each "Issue type" or similar heading of an issue form."""
    is_answer = False
    for kind, line in body_lines:
        if kind == "heading":
            is_answer = _TYPE_HEADING.search(line) is not None
        elif is_answer and line.strip():
            yield " ".join(_NAME_WORD.findall(line.lower()))
            is_answer = False


def _find_flags(title: str, prose: str, body_lines: list[Line]) -> Iterator[str]:
    text = f"{title}\n{prose}\n{_join(body_lines, 'code')}"
    questions = prose.count("?")
    flags = {
        "question mark in the title": "?" in title,
        "a question in the text": questions == 1,
        "questions in the text": questions > 1,
        "stack trace": bool(_TRACE.search(text)),
        "exception": bool(_EXCEPTION.search(text)),
        "no text": not prose.strip(),
        "form": sum(kind == "heading" for kind, _ in body_lines) >= 3,
        "screenshot": "[image]" in prose,
    }
    return (flag for flag, holds in flags.items() if holds)


def _join(body_lines: list[Line], kind: LineKind) -> str:
    return "\n".join(line for line_kind, line in body_lines if line_kind == kind)


def _split_phrases(text: str) -> set[str]:
    """Return the runs of one to four words without punctuation, code and identifiers in them."""
    text = _NON_BLANK.sub(
        lambda run: ";" if _IDENTIFIER.search(run[0]) else run[0], _INLINE_CODE.sub(" ; ", text)
    )
    phrases: set[str] = set()
    recent: list[str] = []
    for token in _WORD.findall(text.lower().replace("’", "'")):
        if not token[0].isalnum():
            recent = []
            continue
        recent = [*recent[-_MAX_PHRASE + 1 :], token.replace("'", "")]
        phrases.update(" ".join(recent[start:]) for start in range(len(recent)))
    return phrases


def _find_leading(text: str) -> Iterator[str]:
    """Yield a leading `[Tag]`, then the first word, the first two and the first three."""
    if tag := _BRACKET.match(text):
        yield f"[{' '.join(_NAME_WORD.findall(tag[1].lower()))}]"
        text = text[tag.end() :]
    words = [word.lower() for word in _NAME_WORD.findall(text[:100].replace("'", ""))[:3]]
    for end in range(1, len(words) + 1):
        yield " ".join(words[:end])


def _score_types(keywords: frozenset[Keyword]) -> Iterator[tuple[float, Match]]:
    """Yield the most probable type with its probability; nothing where it is unclear."""
    weights = load_weights()
    scores = {
        concept: weights.type_bias[concept] + sum(table[key] for key in keywords & table.keys())
        for concept, table in weights.types.items()
    }
    best = max(scores, key=scores.__getitem__)
    powers = [math.exp((score - scores[best]) / _TEMPERATURE) for score in scores.values()]
    share = 1 / sum(powers)
    evidence = _quote_evidence(keywords, weights.types[best], _MIN_EVIDENCE_WEIGHT)
    if share >= _UNSURE and evidence:
        yield share, Match(best, _rate_certainty(share, _SURE, _LIKELY), evidence)


def _score_topics(keywords: frozenset[Keyword]) -> Iterator[tuple[float, Match]]:
    """Yield each topic with enough points, with a score from 0 to 1."""
    for concept, table in load_weights().topics.items():
        score = sum(table[key] for key in keywords & table.keys())
        if score >= _TOPIC_LIKELY:
            certainty = _rate_certainty(score, _TOPIC_SURE, _TOPIC_LIKELY)
            match = Match(concept, certainty, _quote_evidence(keywords, table, 1))
            yield min(1.0, score / (2 * _TOPIC_SURE)), match


def _rate_certainty(value: float, sure: float, likely: float) -> Certainty:
    if value >= sure:
        return "sure"
    return "likely" if value >= likely else "unsure"


def _quote_evidence(
    keywords: frozenset[Keyword], table: Mapping[Keyword, int], min_weight: int
) -> str:
    """Return the keywords of the highest weights, quoted; flags are not quotations."""
    matching = sorted((-table[key], key) for key in keywords & table.keys())
    texts = (
        phrase if part == "flag" else f'"{phrase}"'
        for weight, (part, phrase) in matching
        if -weight >= min_weight
    )
    return ", ".join(list(dict.fromkeys(texts))[:_MAX_EVIDENCE])


@cache
def _rank_aliases(concept: str) -> dict[str, int]:
    """Return the rank of each alias of a concept, 0 for the most common one."""
    aliases = (concept, *ALIASES.get(concept, ()))
    keys = ("".join(_NAME_WORD.findall(alias.lower())) for alias in aliases)
    return {key: rank for rank, key in enumerate(keys)}


@lru_cache(maxsize=4096)  # the labels of a repository recur with each of its issues
def _normalize_name(name: str) -> tuple[str, ...]:
    """Return a label's name without emoji and separators, with and without its family."""
    words = _NAME_WORD.findall(_SHORTCODE.sub(" ", name).lower())
    has_family = len(words) > 1 and words[0] in _FAMILIES
    return ("".join(words), "".join(words[1:])) if has_family else ("".join(words),)


def _find_first(text: str, phrases: Iterable[str]) -> str | None:
    return next((phrase for phrase in phrases if _occurs(phrase, text)), None)


def _occurs(phrase: str, text: str) -> bool:
    words = " ".join(phrase.casefold().split())
    if not words or words not in text:  # avoids compiling a pattern for each phrase
        return False
    before = r"(?<!\w)" if _has_edges(words[0]) else ""
    after = r"(?!\w)" if _has_edges(words[-1]) else ""
    return re.search(f"{before}{re.escape(words)}{after}", text) is not None


def _has_edges(char: str) -> bool:
    """Return whether blanks separate words of this script; Chinese and Japanese have none."""
    return char.isalnum() and not "\u2e80" <= char <= "\u9fff"
