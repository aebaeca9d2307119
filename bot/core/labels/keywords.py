"""Labels by rules, without a model: concepts in an issue, a repository's own words, spellings.

A concept is a type of issue (bug, feature request, question) or a topic such as "database". Types
are scored by the cues in the issue (`cues`) with the weights in `keyword_weights.json`, which
`python -m tests.accuracy fit` fits to labelled issues of many repositories. Topics are scored by
points for phrases. `policy` decides which labels are set.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from bot.core.config.schema import WordRule
from bot.core.labels.aliases import ALIASES
from bot.core.labels.cues import (
    ASKS,
    DECLARED,
    SHAPE,
    SIGN,
    Cue,
    find_cues,
    find_phrases,
    load_phrases,
    read_issue,
)
from bot.core.text.condense import classify_lines
from bot.core.types import Certainty

_COMMON_TAGS = (
    "bug feature-request frontend backend documentation performance security database api ui/ux"
    " urgent"
)
COMMON_TAGS = tuple(_COMMON_TAGS.split())
TYPES = ("bug", "feature-request", "question")

WEIGHTS_FILE = Path(__file__).with_name("keyword_weights.json")

_MAX_TITLE = 300
_MAX_RULE_TEXT = 24_000
_MAX_EVIDENCE = 3  # phrases
_MIN_EVIDENCE_WEIGHT = 20  # a type needs one cue of this weight
_UNSURE = 0.36  # probability of a type where all types are equally frequent
_ASKED = frozenset({ASKS, Cue(DECLARED, "question")})
_HUNDREDTHS = 100  # weights are hundredths of log odds
_TOPIC_SURE, _TOPIC_LIKELY = 5, 3  # points

# First words of a label that name a family of labels.
_FAMILY_NAMES = (
    "kind type t c category cat issue is area a topic scope module component comp team domain"
    " subsystem tag label impact priority prio severity sev resolution"
)
_FAMILIES = frozenset(_FAMILY_NAMES.split())
_TYPE_FAMILIES = frozenset(["kind", "type", "t", "c", "category", "cat", "issue", "is"])
_NAME_WORD = re.compile(r"[^\W_]+")
_SHORTCODE = re.compile(r"(?<!\w):[a-z0-9_+\-]+:(?!\w)")

Scores = dict[str, float]  # by type


class Bars(NamedTuple):
    """The probabilities from which a type is likely and sure."""

    likely: float
    sure: float


class TypeWeights(NamedTuple):
    """The fitted table."""

    bias: Mapping[str, int]
    cues: Mapping[Cue, Sequence[int]]  # by type, in the order of `TYPES`
    bars: Mapping[str, Bars]


@dataclass(frozen=True, slots=True)
class Match:
    """A concept found in an issue. `evidence` quotes the table of phrases, never the issue."""

    concept: str
    certainty: Certainty
    evidence: str


def match(title: str, body: str) -> tuple[Match, ...]:
    """Return the concepts, highest score first; at most one of bug, feature and question."""
    issue = read_issue(title, body)
    phrases = find_phrases(issue)
    return match_cues(find_cues(issue, phrases), phrases)


def match_cues(
    cues: Mapping[Cue, Sequence[str]],
    phrases: Mapping[str, frozenset[str]],
    weights: TypeWeights | None = None,
) -> tuple[Match, ...]:
    """Return the concepts of an issue with these cues and phrases, as `match` does.

    `weights` are those of the types, by default the shipped ones.
    """
    scored = [*_score_types(cues, weights or load_weights()), *_score_topics(phrases)]
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
    return any(key in _rank_aliases(concept) for concept in TYPES for key in keys)


def find_meanings(name: str) -> frozenset[str]:
    """Return what the name of a label or type means: names that mean the same have one in common.

    `kind/bug` and `defect` mean a bug, `area/docs` means no type.
    """
    words = _split_name(name)
    keys = {"".join(words)}
    if len(words) > 1 and words[0] in _TYPE_FAMILIES:
        keys.add("".join(words[1:]))
    concepts = (concept for concept in ALIASES if not keys.isdisjoint(_rank_aliases(concept)))
    return frozenset(filter(None, keys)) | {f"={concept}" for concept in concepts}


def match_rules(title: str, body: str, rules: Sequence[WordRule]) -> tuple[tuple[str, str], ...]:
    """Return label and matching phrase of each rule that applies; whole words, any case."""
    visible = "\n".join(line for _, line in classify_lines(body))[:_MAX_RULE_TEXT]
    text = " ".join(f"{title[:_MAX_TITLE]}\n{visible}".casefold().split())
    return tuple(
        (rule.label, phrase)
        for rule in rules
        if (phrase := _find_first(text, rule.any)) and not _find_first(text, rule.none)
    )


@cache
def load_weights() -> TypeWeights:
    """Return the table of `keyword_weights.json`."""
    return parse_weights(json.loads(WEIGHTS_FILE.read_bytes()))


def parse_weights(data: Mapping[str, Any]) -> TypeWeights:
    """Return the table in the form of `keyword_weights.json`."""
    return TypeWeights(
        bias=data["bias"],
        cues={
            Cue(row["part"], row["name"], row["times"]): tuple(row[concept] for concept in TYPES)
            for row in data["weights"]
        },
        bars={concept: Bars(**bars) for concept, bars in data["bars"].items()},
    )


def score_cues(cues: Iterable[Cue], weights: TypeWeights) -> Scores:
    """Return the probability of each type where all types are equally frequent."""
    totals = [weights.bias[concept] for concept in TYPES]
    for cue in cues:
        if row := weights.cues.get(cue):
            totals = [total + weight for total, weight in zip(totals, row, strict=True)]
    powers = [math.exp((total - max(totals)) / _HUNDREDTHS) for total in totals]
    return {concept: power / sum(powers) for concept, power in zip(TYPES, powers, strict=True)}


def choose_type(
    scores: Scores, bars: Mapping[str, Bars], cues: Collection[Cue]
) -> tuple[str, Certainty]:
    """Return the most probable type; it is unsure below its bar.

    A question is also unsure where neither the title nor a form says that it is one.
    """
    concept = max(TYPES, key=scores.__getitem__)
    likely, sure = bars[concept]
    if scores[concept] < likely or (concept == "question" and _ASKED.isdisjoint(cues)):
        return concept, "unsure"
    return concept, "sure" if scores[concept] >= sure else "likely"


def _score_types(
    cues: Mapping[Cue, Sequence[str]], weights: TypeWeights
) -> Iterator[tuple[float, Match]]:
    """Yield the type with its probability; nothing without evidence or where it is unclear."""
    scores = score_cues(cues, weights)
    concept, certainty = choose_type(scores, weights.bars, cues)
    evidence = _quote_cues(cues, weights, TYPES.index(concept))
    if evidence and (certainty != "unsure" or scores[concept] >= _UNSURE):
        yield scores[concept], Match(concept, certainty, evidence)


def _quote_cues(cues: Mapping[Cue, Sequence[str]], weights: TypeWeights, type_index: int) -> str:
    """Return the longest phrase of each of the strongest cues, quoted; signs are no quotations."""
    strength = {cue: row[type_index] for cue, row in weights.cues.items() if cue in cues}
    texts = []
    for cue in sorted(strength, key=lambda cue: (-strength[cue], cue)):
        phrase = max(cues[cue], key=len)
        if strength[cue] >= _MIN_EVIDENCE_WEIGHT and cue.part != SHAPE and len(phrase) > 2:
            texts.append(phrase if cue.part == SIGN else f'"{phrase}"')
    return ", ".join(list(dict.fromkeys(texts))[:_MAX_EVIDENCE])


def _score_topics(phrases: Mapping[str, frozenset[str]]) -> Iterator[tuple[float, Match]]:
    """Yield each topic with enough points, with a score from 0 to 1."""
    found = {(part, phrase) for part, its_phrases in phrases.items() for phrase in its_phrases}
    for topic, table in load_phrases().topics.items():
        points = {phrase: table[part, phrase] for part, phrase in found & table.keys()}
        score = sum(table[key] for key in found & table.keys())
        if score >= _TOPIC_LIKELY:
            certainty: Certainty = "sure" if score >= _TOPIC_SURE else "likely"
            positive = sorted((-value, phrase) for phrase, value in points.items() if value > 0)
            quoted = [f'"{phrase}"' for _, phrase in positive]
            match = Match(topic, certainty, ", ".join(quoted[:_MAX_EVIDENCE]))
            yield min(1.0, score / (2 * _TOPIC_SURE)), match


@cache
def _rank_aliases(concept: str) -> dict[str, int]:
    """Return the rank of each alias of a concept, 0 for the most common one."""
    aliases = (concept, *ALIASES.get(concept, ()))
    keys = ("".join(_NAME_WORD.findall(alias.lower())) for alias in aliases)
    return {key: rank for rank, key in enumerate(keys)}


@lru_cache(maxsize=4096)  # the labels of a repository recur with each of its issues
def _normalize_name(name: str) -> tuple[str, ...]:
    """Return a label's name without emoji and separators, with and without its family."""
    words = _split_name(name)
    has_family = len(words) > 1 and words[0] in _FAMILIES
    return ("".join(words), "".join(words[1:])) if has_family else ("".join(words),)


def _split_name(name: str) -> list[str]:
    return _NAME_WORD.findall(_SHORTCODE.sub(" ", name).lower())


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
