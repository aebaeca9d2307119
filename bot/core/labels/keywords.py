"""The fallback's rules: which concept an issue's words name, and which label means it here.

Cue words and their weights are rows of `cues.py`; labels are applied by the label policy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from bot.core.labels.aliases import SPELLINGS
from bot.core.labels.keyword_weights import TOPIC_CUES, TYPE_BIAS, TYPE_CUES, TYPES, Cue
from bot.core.text.condense import Line, lines
from bot.core.types import Certainty

COMMON_TAGS: tuple[str, ...] = (
    "bug",
    "feature-request",
    "frontend",
    "backend",
    "documentation",
    "performance",
    "security",
    "database",
    "api",
    "ui/ux",
    "urgent",
)

_MAX_TITLE = 300
_MAX_PROSE = 6_000
_MAX_RULE_TEXT = 24_000
_MAX_PHRASE = 4
_SHOWN_CUES = 3
_TELLING = 4  # weight from which a cue can carry a type, and be shown
_SURE, _LIKELY, _UNSURE = 0.75, 0.42, 0.36  # probability of a type
_TEMPERATURE = 20  # tenths of log odds, halved: words that say the same are not independent
_TOPIC_SURE, _TOPIC_LIKELY = 5, 3

# A label's first words that only say what family it belongs to.
_FAMILY_NAMES = (
    "kind type t c category cat issue is area a topic scope module component comp team domain"
    " subsystem tag label impact priority prio severity sev resolution"
)
_FAMILIES = frozenset(_FAMILY_NAMES.split())
_NAME_WORD = re.compile(r"[^\W_]+")
_SHORTCODE = re.compile(r"(?<!\w):[a-z0-9_+\-]+:(?!\w)")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.?!,;:\n]")
_INLINE_CODE = re.compile(r"(`+)[^`]{1,300}\1")
_SOLID = re.compile(r"\S+")
_IDENTIFIER = re.compile(r"[\w)]\.[A-Za-z_]|_|::|[/\\]|[a-z][A-Z]|\w\(\)|\S{80}")
_TRACE = re.compile(
    r"(?m)^[ \t]*(?:Traceback \(most recent|at [\w$.<>]+[ (]|File \"[^\"\n]+\", line \d+|#\d+ +0x"
    r"|goroutine \d+ \[|thread '[^'\n]*' panicked|Caused by: )"
)
_EXCEPTION = re.compile(r"\b(?:[A-Z]\w+(?:Error|Exception)\b|segfault|SIGSEGV|core dumped|panic:)")
_TYPE_HEADING = re.compile(r"(?i)(?:issue|report|ticket|request|bug) type|^\W*(?:type|kind)\W*$")
_BRACKET = re.compile(r"\s*[\[(<【]([^\])>】\n]{2,30})[\])>】]")


@dataclass(frozen=True, slots=True)
class Match:
    """A concept found in an issue. `evidence` names cues of our table, never the issue's words."""

    concept: str
    certainty: Certainty
    evidence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A maintainer's own rule: `label` where one of `any` occurs and none of `none` does."""

    label: str
    any: tuple[str, ...]
    none: tuple[str, ...] = ()


def match(title: str, body: str) -> tuple[Match, ...]:
    """Concepts that the words name, strongest first; of bug, feature and question at most one."""
    cues = found_cues(title, body)
    scored = [(score, found) for score, found in (_type(cues), *_topics(cues)) if found]
    scored.sort(key=lambda pair: -pair[0])
    return tuple(found for _, found in scored)


def label_for(concept: str, names: Iterable[str]) -> str | None:
    """The name among `names` that means `concept`: the plainest spelling, exactly as given."""
    ranks = _ranks(concept)
    fitting = [
        (ranks[key], len(name), name) for name in names for key in _keys(name) if key in ranks
    ]
    return min(fitting)[2] if fitting else None


def match_rules(title: str, body: str, rules: Sequence[Rule]) -> tuple[tuple[str, str], ...]:
    """(label, the rule's words that occur) for each rule that fits; whole words, any case."""
    text = " ".join(f"{title[:_MAX_TITLE]}\n{_visible_text(body)}".casefold().split())
    return tuple(
        (rule.label, cue)
        for rule in rules
        if (cue := _first_in(text, rule.any)) and not _first_in(text, rule.none)
    )


def found_cues(title: str, body: str) -> frozenset[Cue]:
    """Every place and phrase of an issue that a cue can name."""
    title = title[:_MAX_TITLE]
    body_lines = list(lines(body))
    prose = _joined(body_lines, "prose")[:_MAX_PROSE]
    found = {("title", phrase) for phrase in _phrases(title)}
    found |= {("start", phrase) for phrase in _leading(title)}
    found |= {("body", phrase) for phrase in _phrases(prose)}
    found |= {("body start", phrase) for phrase in _leading(prose)}
    found |= {("heading", phrase) for phrase in _phrases(_joined(body_lines, "heading"))}
    found |= {("form", answer) for answer in _form_answers(body_lines)}
    found |= {("flag", flag) for flag in _flags(title, prose, body_lines)}
    return frozenset(found)


def _form_answers(body_lines: list[Line]) -> Iterator[str]:
    """What an issue form's "Issue type" and the like were answered with."""
    asked = False
    for kind, line in body_lines:
        if kind == "heading":
            asked = _TYPE_HEADING.search(line) is not None
        elif asked and line.strip():
            yield " ".join(_NAME_WORD.findall(line.lower()))
            asked = False


def _flags(title: str, prose: str, body_lines: list[Line]) -> Iterator[str]:
    code = _joined(body_lines, "code")
    everything = f"{title}\n{prose}\n{code}"
    questions = prose.count("?")
    words = len(prose.split())
    facts = {
        "question mark in the title": "?" in title,
        "a question in the text": questions == 1,
        "questions in the text": questions > 1,
        "stack trace": bool(_TRACE.search(everything)),
        "exception": bool(_EXCEPTION.search(everything)),
        "code block": bool(code),
        "no text": words == 0,
        "short text": 0 < words < 30,
        "long text": words > 150,
        "form": sum(kind == "heading" for kind, _ in body_lines) >= 3,
        "screenshot": "[image]" in prose,
    }
    return (flag for flag, holds in facts.items() if holds)


def _joined(body_lines: list[Line], wanted: str) -> str:
    return "\n".join(line for kind, line in body_lines if kind == wanted)


def _visible_text(body: str) -> str:
    return "\n".join(line for _, line in lines(body))[:_MAX_RULE_TEXT]


def _phrases(text: str) -> set[str]:
    """Runs of one to four words that no punctuation divides; code and identifiers left out."""
    text = _SOLID.sub(_word_or_stop, _INLINE_CODE.sub(" ; ", text))
    phrases: set[str] = set()
    recent: list[str] = []
    for token in _WORD.findall(text.lower().replace("’", "'")):
        if not token[0].isalnum():
            recent = []
            continue
        recent = [*recent[-_MAX_PHRASE + 1 :], token.replace("'", "")]
        phrases.update(" ".join(recent[start:]) for start in range(len(recent)))
    return phrases


def _word_or_stop(solid: re.Match[str]) -> str:
    return ";" if _IDENTIFIER.search(solid[0]) else solid[0]


def _leading(text: str) -> Iterator[str]:
    """The first one to three words; a leading `[Tag]` counts as a word of its own."""
    if tag := _BRACKET.match(text):
        yield f"[{' '.join(_NAME_WORD.findall(tag[1].lower()))}]"
        text = text[tag.end() :]
    words = [word.lower() for word in _NAME_WORD.findall(text[:100].replace("'", ""))[:3]]
    for end in range(1, len(words) + 1):
        yield " ".join(words[:end])


def _type(cues: frozenset[Cue]) -> tuple[float, Match | None]:
    """The most probable of the mutually exclusive types, None where it is unclear."""
    rows = [(cue, TYPE_CUES[cue]) for cue in cues if cue in TYPE_CUES]
    scores = [TYPE_BIAS[n] + sum(row[n] for _, row in rows) for n in range(len(TYPES))]
    powers = [math.exp((score - max(scores)) / _TEMPERATURE) for score in scores]
    best = scores.index(max(scores))
    share = powers[best] / sum(powers)
    supporting = sorted((-row[best], cue) for cue, row in rows if row[best] >= _TELLING)
    if share < _UNSURE or not supporting:
        return 0.0, None
    certainty = _certainty(share, _SURE, _LIKELY)
    return share, Match(TYPES[best], certainty, _evidence(cue for _, cue in supporting))


def _topics(cues: frozenset[Cue]) -> Iterator[tuple[float, Match | None]]:
    for concept, table in TOPIC_CUES.items():
        hits = sorted((-table[cue], cue) for cue in cues if cue in table)
        score = -sum(points for points, _ in hits)
        if score < _TOPIC_LIKELY:
            continue
        evidence = _evidence(cue for points, cue in hits if points < 0)
        certainty = _certainty(score, _TOPIC_SURE, _TOPIC_LIKELY)
        yield min(1.0, score / (2 * _TOPIC_SURE)), Match(concept, certainty, evidence)


def _certainty(value: float, sure: float, likely: float) -> Certainty:
    if value >= sure:
        return "sure"
    return "likely" if value >= likely else "unsure"


def _evidence(cues: Iterable[Cue]) -> str:
    shown: list[str] = []
    for where, phrase in cues:
        words = phrase if where == "flag" else f'"{phrase}"'
        if words not in shown:
            shown.append(words)
    return ", ".join(shown[:_SHOWN_CUES])


@cache
def _ranks(concept: str) -> dict[str, int]:
    """How plain each spelling of a concept is, 0 the plainest."""
    spellings = (concept, *SPELLINGS.get(concept, ()))
    keys = ("".join(_NAME_WORD.findall(spelling.lower())) for spelling in spellings)
    return {key: rank for rank, key in enumerate(keys)}


@lru_cache(maxsize=4096)  # a repository's labels come again with each of its issues
def _keys(name: str) -> tuple[str, ...]:
    """A label's name without emoji and separators, with and without its family."""
    words = _NAME_WORD.findall(_SHORTCODE.sub(" ", name).lower())
    has_family = len(words) > 1 and words[0] in _FAMILIES
    return ("".join(words), "".join(words[1:])) if has_family else ("".join(words),)


def _first_in(text: str, phrases: Iterable[str]) -> str | None:
    return next((phrase for phrase in phrases if _occurs(phrase, text)), None)


def _occurs(phrase: str, text: str) -> bool:
    words = " ".join(phrase.casefold().split())
    if not words or words not in text:  # else a pattern would be compiled for each phrase
        return False
    before = r"(?<!\w)" if _has_edges(words[0]) else ""
    after = r"(?!\w)" if _has_edges(words[-1]) else ""
    return re.search(f"{before}{re.escape(words)}{after}", text) is not None


def _has_edges(char: str) -> bool:
    """Whether words that begin or end so are set off by blanks (not so in Chinese, Japanese)."""
    return char.isalnum() and not "\u2e80" <= char <= "\u9fff"
