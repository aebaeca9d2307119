"""Finds cues in an issue: phrases and signs that show what the issue is.

`keyword_phrases.json` has the phrases, in lower case and without apostrophes ("doesnt"), grouped by
meaning. A cue is a group with one phrase or with several in one part of the issue, or a sign such
as a stack trace. Cues say how people write, in any project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bot.core.text.condense import LineKind, classify_lines, drop_empty_sections

PHRASES_FILE = Path(__file__).with_name("keyword_phrases.json")

PARTS = ("title", "title start", "body", "body start", "heading")
DECLARED = "declared"  # the type in a form, in a tag or before a colon of the title
SIGN, SHAPE = "sign", "shape"  # shape, such as length, is no evidence on its own
SEVERAL = 3  # different phrases of one group

Topics = dict[str, dict[tuple[str, str], int]]  # topic → (part, phrase) → points


class Cue(NamedTuple):
    """`times` is the minimum number of the group's phrases in the part: 1 or `SEVERAL`."""

    part: str
    name: str
    times: int = 1


class Phrases(NamedTuple):
    """The tables of `keyword_phrases.json`, by phrase."""

    cues: Mapping[str, Sequence[str]]  # → groups
    declared: Mapping[str, Sequence[str]]
    topics: Topics
    known: frozenset[str]
    first_words: frozenset[str]


@dataclass(slots=True)
class Issue:
    """The text of an issue by the kinds of its lines."""

    title: str
    prose: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)  # and the names of fields ("Version: 2")
    fields: int = 0
    code: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # to a form's question for the type
    steps: int = 0

    @property
    def visible(self) -> str:
        return "\n".join([self.title, *self.prose])[: _MAX_TITLE + _MAX_PROSE]


# What a title does as a whole: the first of these that applies.
REPORTS = Cue(SIGN, "title that reports a defect")
ASKS = Cue(SIGN, "title that asks")
REQUESTS = Cue(SIGN, "title that requests")


def _title_cues(*groups: str, part: str = "title") -> frozenset[Cue]:
    return frozenset(Cue(part, group) for group in groups)


_CERTAIN_DEFECTS = _title_cues(
    *("crash", "hang", "failure", "not working", "inability", "negation", "bug named"),
    "regression",
)
# A whole question may speak of these without reporting them: "Is the error message needed?"
_DEFECTS = _CERTAIN_DEFECTS | _title_cues("wrong result", "error", "observation")
_QUESTION_MARK = Cue(SIGN, "question mark at the end of the title")
_QUESTION_STARTS = _title_cues(
    *("how", "what or which", "why", "yes-or-no question", "question word", "should or could"),
    part="title start",
)
# Elsewhere in a title, words such as "ask" and "question" name what the issue is about.
_ASKING = {
    _QUESTION_MARK,
    Cue(DECLARED, "question"),
    *_title_cues("how"),
    *_title_cues("how", "what or which", "why", "yes-or-no question", part="title start"),
    *_title_cues("help", "question named", part="title start"),
}
_ORDERS = _title_cues("addition", "improvement", "change", part="title start")
_REQUESTS = {
    Cue(DECLARED, "feature-request"),
    *_ORDERS,
    *_title_cues("addition", "ability", "improvement", "request", "feature named", "proposal"),
    *_title_cues("praise of an idea", "wish"),
}

_MAX_TITLE = 300
_MAX_PROSE = 6_000
_MAX_CODE = 24_000
_MAX_HEADINGS = 3_000
_MAX_PHRASE = 4  # words
_MAX_FIELD_WORDS = 6
_START_WORDS = 3

_NAME_WORD = re.compile(r"[^\W_]+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[.?!,;:()\n]")
_INLINE_CODE = re.compile(r"(`+)[^`]{1,300}\1")
_NON_BLANK = re.compile(r"\S+")
_IDENTIFIER = re.compile(r"[\w)]\.[A-Za-z_]|_|::|[/\\]|[a-z][A-Z]|\w\(\)|\S{80}")
_TRACE = re.compile(
    r"(?m)^[ \t]*(?:Traceback \(most recent|at [\w$.<>]+[ (]|File \"[^\"\n]+\", line \d+|#\d+ +0x"
    r"|goroutine \d+ \[|thread '[^'\n]*' panicked|Caused by: )"
)
_EXCEPTION = re.compile(r"\b(?:[A-Z]\w+(?:Error|Exception)\b|segfault|SIGSEGV|core dumped|panic:)")
_LOG_LINE = re.compile(r"\d\d:\d\d:\d\d|\b(?:ERROR|WARN|FATAL|INFO|DEBUG)\b|(?m:^[EWF]/\w)")
_VERSION = re.compile(r"(?<![\w.])v?\d+\.\d+(?:\.\d+)*(?:[-+]?\w+)?(?![\w.]*\.\w)")
_SYSTEM = re.compile(
    r"(?i)\b(?:windows (?:xp|vista|7|8|10|11|server)|win ?(?:7|8|10|11)|mac ?os|os ?x|ubuntu|debian"
    r"|fedora|centos|arch linux|linux|android \d|ios \d)"
)
_STEP = re.compile(r"(?i)\s*(?:\d{1,2}[.)]|step \d)\s+\S")
_TAG = re.compile(r"\s*[\[(<【]([^\])>】\n]{2,30})[\])>】]")
_TITLE_PREFIX = re.compile(r"\s*([A-Za-z ]{3,25})(?::|\s[-\u2013|])\s")
_FIELD = re.compile(
    r"[\s>*+\-#_•]*([A-Za-z][A-Za-z0-9 /'’.,()\-]{1,50}?)[*_\s]*[:：](?!//)[*_]*(?:\s+(.*)|$)"
)
_TYPE_QUESTION = re.compile(
    r"(?i)(?:issue|report|ticket|request|bug) type|^\W*(?:type|kind|category)\W*$"
    r"|(?:feature|enhancement)\W.{0,20}\bbug|\bbug\W.{0,30}\b(?:feature|enhancement)"
)
# Sentences of a form that tell the author what to write.
_INSTRUCTION = re.compile(
    r"(?i)\W*(?:please|make sure|before (?:you|submitting|opening|creating)|if you|describe|provide"
    r"|include|tell us|use this|thank(?:s| you) for (?:taking|your|opening|reporting)|note:|e\.g\."
    r"|for example)\b.{0,400}\b(?:you|your|describe|provide|include|attach|fill|search"
    r"|issue tracker|template|policy)\b"
)


@cache
def load_phrases() -> Phrases:
    """Return the tables of `keyword_phrases.json`."""
    data = json.loads(PHRASES_FILE.read_bytes())
    topics: Topics = {}
    for row in data["topics"]:
        for topic, points in row["weights"].items():
            topics.setdefault(topic, {}).update({(row["part"], p): points for p in row["phrases"]})
    cues = _invert(data["cues"])
    known = frozenset({*cues, *(phrase for table in topics.values() for _, phrase in table)})
    first_words = frozenset(phrase.partition(" ")[0] for phrase in known)
    return Phrases(cues, _invert(data["declared"]), topics, known, first_words)


def find_phrases(issue: Issue) -> dict[str, frozenset[str]]:
    """Return the phrases of the table in each of `PARTS`."""
    prose = "\n".join(issue.prose)[:_MAX_PROSE]
    return {
        "title": frozenset(_scan(issue.title)),
        "title start": _find_start(issue.title),
        "body": frozenset(_scan(prose)),
        "body start": _find_start(prose),
        "heading": frozenset(_scan("\n".join(issue.headings)[:_MAX_HEADINGS])),
    }


def find_cues(issue: Issue, phrases: Mapping[str, frozenset[str]]) -> dict[Cue, list[str]]:
    """Return each cue of an issue with the phrases of it, the name of a sign or of a shape."""
    cues = {cue: its for part in phrases for cue, its in _find_groups(part, phrases[part])}
    for phrase in _find_declared(issue):
        for group in load_phrases().declared[phrase]:
            cues.setdefault(Cue(DECLARED, group), []).append(phrase)
    cues |= {Cue(SIGN, name): [name] for name in _find_signs(issue)}
    cues |= {Cue(SHAPE, name): [name] for name in _find_shape(issue)}
    return _judge_title(cues)


def _judge_title(cues: dict[Cue, list[str]]) -> dict[Cue, list[str]]:
    """Return the cues with the one for the whole title; "Export crashes" orders no export."""
    is_question = _QUESTION_MARK in cues and not _QUESTION_STARTS.isdisjoint(cues)
    if not (_CERTAIN_DEFECTS if is_question else _DEFECTS).isdisjoint(cues):
        cues = {cue: phrases for cue, phrases in cues.items() if cue not in _ORDERS}
        return cues | {REPORTS: [REPORTS.name]}
    if not _ASKING.isdisjoint(cues):
        return cues | {ASKS: [ASKS.name]}
    return cues if _REQUESTS.isdisjoint(cues) else cues | {REQUESTS: [REQUESTS.name]}


def _find_groups(part: str, phrases: Iterable[str]) -> Iterator[tuple[Cue, list[str]]]:
    """Yield the cues of one part with their phrases."""
    by_group: dict[str, list[str]] = {}
    for phrase in sorted(phrases):
        for group in load_phrases().cues.get(phrase, ()):
            by_group.setdefault(group, []).append(phrase)
    for group, its_phrases in by_group.items():
        yield Cue(part, group), its_phrases
        if len(its_phrases) >= SEVERAL:
            yield Cue(part, group, SEVERAL), its_phrases


def read_issue(title: str, body: str) -> Issue:
    """Return the text of an issue by kinds of lines, without a form's instructions and gaps."""
    issue = Issue(title[:_MAX_TITLE])
    asks_type = False
    for kind, line in drop_empty_sections(list(classify_lines(body))):
        if asks_type and kind != "code" and line.strip():
            issue.answers.append(line)
        asks_type = _add_line(issue, kind, line) or (asks_type and not line.strip())
    return issue


def _add_line(issue: Issue, kind: LineKind, line: str) -> bool:
    """Add a line to its part; return whether it asks for the type of the issue."""
    if kind == "heading":
        issue.headings.append(line)
        return _TYPE_QUESTION.search(line) is not None
    if kind == "code":
        issue.code.append(line)
    if kind != "prose" or _INSTRUCTION.match(line):
        return False
    asks_type = False
    named = _FIELD.match(line)
    if named and len(named[1].split()) <= _MAX_FIELD_WORDS:
        issue.headings.append(named[1])
        issue.fields += 1
        line = named[2] or ""
        asks_type = _TYPE_QUESTION.search(named[1]) is not None
        if asks_type and line:
            issue.answers.append(line)
    elif _TYPE_QUESTION.search(line) and line.rstrip(" *_").endswith("?"):
        return True
    issue.steps += _STEP.match(line) is not None
    issue.prose.append(line)
    return asks_type and not line


def _find_declared(issue: Issue) -> Iterator[str]:
    """Yield phrases that name the type: the answer to a form, a tag or a prefix of the title."""
    declared = load_phrases().declared
    named = [match[1] for pattern in (_TAG, _TITLE_PREFIX) if (match := pattern.match(issue.title))]
    for text in named:
        name = _join_words(text)
        if name in declared:
            yield name
    for answer in issue.answers:
        words = _NAME_WORD.findall(answer[:100].lower())
        starts = (" ".join(words[:end]) for end in range(_START_WORDS, 0, -1))
        if name := next((start for start in starts if start in declared), ""):
            yield name


def _find_signs(issue: Issue) -> Iterator[str]:
    prose, code = "\n".join(issue.prose), "\n".join(issue.code)[:_MAX_CODE]
    text = f"{issue.visible}\n{code}"
    questions = prose.count("?")
    signs = {
        "question mark in the title": "?" in issue.title,
        _QUESTION_MARK.name: issue.title.rstrip().endswith("?"),
        "a question in the text": questions == 1,
        "questions in the text": questions > 1,
        "a question at the end": "?" in prose.rstrip()[-120:],
        "stack trace": bool(_TRACE.search(text)),
        "exception": bool(_EXCEPTION.search(text)),
        "log": bool(_LOG_LINE.search(text)),
        "screenshot": "[image]" in prose,
        "numbered steps": issue.steps > 1,
    }
    return (name for name, holds in signs.items() if holds)


def _find_shape(issue: Issue) -> Iterator[str]:
    prose = "\n".join(issue.prose)
    words, title_words = len(prose.split()), len(issue.title.split())
    shape = {
        "no text": words < 3,
        "short text": 3 <= words < 30,
        "long text": words >= 200,
        "short title": title_words <= 3,
        "long title": title_words >= 12,
        "title in lower case": issue.title[:1].islower(),
        "code in the title": "`" in issue.title or bool(_IDENTIFIER.search(issue.title)),
        "inline code": "`" in prose,
        "code block": any(line.lstrip().startswith(("```", "~~~")) for line in issue.code),
        "form": len(issue.headings) - issue.fields >= 3,
        "fields": issue.fields >= 4,
        "version": bool(_VERSION.search(prose[:_MAX_PROSE])),
        "operating system": bool(_SYSTEM.search(prose[:_MAX_PROSE])),
    }
    return (name for name, holds in shape.items() if holds)


def _scan(text: str) -> Iterator[str]:
    """Yield the phrases of the table in a text; none across punctuation, code and identifiers."""
    table = load_phrases()
    prose = _NON_BLANK.sub(_hide_identifier, _INLINE_CODE.sub(" ; ", text)).lower()
    words = [token.replace("'", "") for token in _WORD.findall(prose.replace("’", "'"))]
    for start, word in enumerate(words):
        if word not in table.first_words:
            continue
        phrase = word
        for next_word in (*words[start + 1 : start + _MAX_PHRASE], ""):
            if phrase in table.known:
                yield phrase
            phrase = f"{phrase} {next_word}"


def _hide_identifier(run: re.Match[str]) -> str:
    return ";" if _IDENTIFIER.search(run[0]) else run[0]


def _find_start(text: str) -> frozenset[str]:
    """Return the phrases of the table that a text starts with, behind its tag."""
    if tag := _TAG.match(text):
        text = text[tag.end() :]
    words = _join_words(text[:100]).split()[:_START_WORDS]
    starts = {" ".join(words[:end]) for end in range(1, len(words) + 1)}
    return frozenset(starts & load_phrases().known)


def _join_words(text: str) -> str:
    return " ".join(_NAME_WORD.findall(text.lower().replace("'", "").replace("’", "")))


def _invert(groups: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    by_phrase: dict[str, tuple[str, ...]] = {}
    for group, phrases in groups.items():
        for phrase in phrases:
            by_phrase[phrase] = (*by_phrase.get(phrase, ()), group)
    return by_phrase
