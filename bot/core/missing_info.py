"""What a report lacks of what its repository's issue forms and templates ask for.

Decided by headings and placeholders, without a model. Where it is not certain that a report lacks
something, it lacks nothing: an author is not asked for what is there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.core.issue_templates import (
    Field,
    Heading,
    Template,
    drop_comments,
    fold_line,
    parse_template,
    read_heading,
)
from bot.core.labels import keywords
from bot.core.report_port import MAX_TEMPLATES, TemplateFile
from bot.core.text.sanitize import ELLIPSIS, to_one_line

MAX_SHOWN, MAX_NAME = 3, 40  # items, characters of each
MIN_SHARE = 0.5  # of a template's headings, in a report that was written with it
MIN_WORDS = 10  # of a comment that may be about anything
MAX_COMMENTS_CHARS = 64 * 1024  # of which the newest are read

_NO_ANSWERS = (
    "no response,n/a,na,none,nil,null,not applicable,not provided,tbd,tba,todo,fixme,xxx,x,asdf"
    ",fill me in,fill in,your answer here"
)
_NO_ANSWER = frozenset(_NO_ANSWERS.split(","))
_UNCHECKED = re.compile(r"\s*[-*+]\s+\[ ?\]")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})[^`]*")
_ASIDE = re.compile(r"(?<=\S)\s*\([^()]*\)[\s:*]*\Z")
_WORD = re.compile(r"[^\W\d_]{4,}")
_NOT_FEATURES = frozenset({"=feature-request", "=question"})  # as `keywords.find_meanings` returns


@dataclass(frozen=True, slots=True)
class Report:
    """An issue's text, and what its author wrote in comments."""

    title: str
    body: str
    comments: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MissingItem:
    """What a report lacks, as the template names it. `of_bugs`: nobody needs it of an idea."""

    name: str
    of_bugs: bool


@dataclass(frozen=True, slots=True)
class _Concept:
    """A thing that many templates ask for: how they name it, and what shows that a text has it."""

    names: re.Pattern[str]
    given: re.Pattern[str]
    of_bugs: bool


def _compile_concept(names: str, given: str, *, of_bugs: bool = False) -> _Concept:
    return _Concept(re.compile(names, re.IGNORECASE), re.compile(given, re.IGNORECASE), of_bugs)


_SYSTEMS = (
    r"\b(?:windows|win ?(?:7|8|10|11)|mac ?os|os ?x|darwin|linux|ubuntu|debian|fedora|arch|mint"
    r"|nixos|alpine|cent ?os|rhel|suse|gentoo|\w*bsd|android|ios|ipad ?os|iphone|ipad|pixel|wsl"
    r"|docker|kubernetes|k8s|x86(?:_64)?|amd64|arm64|aarch64|raspberry|wayland|chrome ?os)\b"
)
_VERSIONS = (
    r"\b[vr]?\d{1,5}\.\d{1,5}|\bversion\W{0,3}[vr]?\d|\bv\d|\b(?:latest|nightly|master|head|trunk)\b"
    r"|\bmain branch\b|\b(?:commit|sha|rev|revision)\W{0,3}[0-9a-f]{6}"
)
# In the order in which a heading is compared with them.
_CONCEPTS = (
    _compile_concept(
        r"reproduc|\brepro\b|\bsteps?\b|\bschritte\b|étapes|\bpasos\b|\bpassos\b|再现|再現|复现|重现",
        r"reproduc|\brepro\b|\bsteps\b|^\s*2[.)] |codesandbox|stackblitz|jsfiddle|playground"
        r"|\b(?:when|whenever|if|after|once|every time|each time) (?:i|you|we)\b",
        of_bugs=True,
    ),
    _compile_concept(
        r"expected|should happen|\berwartet",
        r"\bexpect|\bshould\b|supposed to|\binstead of\b|\bought to\b",
        of_bugs=True,
    ),
    _compile_concept(
        r"\blogs?\b|stack ?trace|traceback|back ?trace|console|error (?:message|output)",
        r"^\s*(?:```|~~~)|\b\w*(?:error|exception)\b ?:|traceback|panicked|^\s+at \S|segfault",
        of_bugs=True,
    ),
    _compile_concept(
        r"\bbrowsers?\b",
        r"\b(?:firefox|chrome|chromium|safari|edge|opera|brave|vivaldi|webkit|ie ?11)\b",
    ),
    _compile_concept(
        r"environment|\bsystem info|\bsetup\b|configuration|\bumgebung\b", f"{_SYSTEMS}|{_VERSIONS}"
    ),
    _compile_concept(
        r"operating system|\bos\b|platform|\bdevice|desktop|smart ?phone|distro|betriebssystem"
        r"|操作系统|オペレーティング",
        _SYSTEMS,
    ),
    _compile_concept(
        r"versions?\b|versión|versão|versione|版本|バージョン|버전|commit|release", _VERSIONS
    ),
)


@dataclass(slots=True)
class _Answers:
    """What a text has below each of a template's headings, and all lines that its author wrote."""

    sections: dict[str, list[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def find_missing(report: Report, files: Iterable[TemplateFile]) -> tuple[MissingItem, ...]:
    """Return what the report lacks, in the order of the template that it was written with.

    A report that no template fits lacks only what the one template for bugs asks for and what no
    text of its kind goes without, such as the version; and only where it reads as a bug.
    """
    listed = tuple(files)
    templates = tuple(filter(None, map(parse_template, listed)))
    if not templates:
        return ()
    fitting = _find_fitting(report, templates)
    if fitting:
        first, *others = (_list_missing(report, one, is_fitting=True) for one in fitting)
        kept = [item for item in first if all(item in other for other in others)]
    else:
        bugs = [template for template in templates if template.kind == "bug"]
        if len(bugs) != 1 or len(listed) >= MAX_TEMPLATES or "bug" not in _read_kinds(report):
            return ()
        kept = _list_missing(report, bugs[0], is_fitting=False)
    if any(item.of_bugs for item in kept) and {"feature-request", "question"} & _read_kinds(report):
        kept = [item for item in kept if not item.of_bugs]
    return tuple(kept)


def choose_shown(items: Iterable[MissingItem], labels: Iterable[str]) -> tuple[str, ...]:
    """Return the names to show, for an issue with these labels and types, "" for none."""
    meanings = frozenset[str]().union(*map(keywords.find_meanings, filter(None, labels)))
    is_idea = bool(meanings & _NOT_FEATURES) and "=bug" not in meanings
    names = (_shorten(item.name) for item in items if not (is_idea and item.of_bugs))
    unique = {name.casefold(): name for name in names if name}
    return tuple(unique.values())[:MAX_SHOWN]


def _shorten(name: str) -> str:
    """Return a name as one line of at most 40 characters, cut after a word."""
    line = _ASIDE.sub("", to_one_line(name)).strip(" :*_#?")
    if len(line) <= MAX_NAME:
        return line
    head = line[: MAX_NAME - 1]
    return (head.rpartition(" ")[0] or head).rstrip(" (,;:") + ELLIPSIS


def _find_fitting(report: Report, templates: Sequence[Template]) -> list[Template]:
    """Return the templates with the largest share of their headings in the report, if it is large;
    several where they have equal shares."""
    headings = {fold_line(heading.text) for heading in _list_headings(report.body)}
    found = [len(template.keys & headings) for template in templates]
    ranks = [(n / len(one.keys), n) for n, one in zip(found, templates, strict=True)]
    best = max(ranks)
    if best[0] < MIN_SHARE:
        return []
    return [one for rank, one in zip(ranks, templates, strict=True) if rank == best]


def _list_headings(body: str) -> Iterator[Heading]:
    for line in drop_comments(body).splitlines():
        if heading := read_heading(line):
            yield heading


def _read_kinds(report: Report) -> set[str]:
    """Return the kinds of issue that the report likely is, by the rules for labels."""
    found = keywords.match(report.title, report.body)
    return {match.concept for match in found if match.certainty != "unsure"}


def _list_missing(report: Report, template: Template, *, is_fitting: bool) -> list[MissingItem]:
    body = _read_answers(report.body, template)
    replies = [_read_answers(_drop_quotes(text), template) for text in _bound(report.comments)]
    answers = (body, *replies)
    text = "\n".join((report.title, *(line for one in answers for line in one.lines)))
    items: list[MissingItem] = []
    lacking: set[_Concept] = set()
    for asked in template.fields:
        concept = next((x for x in _CONCEPTS if x.names.search(asked.name)), None)
        if not asked.is_required or any(_is_answered(asked, one) for one in answers):
            continue
        if is_fitting:
            # Who deletes a heading of a Markdown template says that it does not apply.
            is_lacking = template.is_form or asked.key in body.sections
        else:
            is_lacking = concept is not None and concept not in lacking
        if concept:
            is_lacking = is_lacking and not _search_lines(concept.given, text)
            lacking.add(concept)
        elif any(_may_answer(asked, reply) for reply in replies):
            is_lacking = False
        if is_lacking:
            is_needed = concept is None or (template.kind == "feature" and not concept.of_bugs)
            items.append(MissingItem(asked.name, of_bugs=not is_needed))
    return items


def _search_lines(pattern: re.Pattern[str], text: str) -> bool:
    return any(pattern.search(line) for line in text.split("\n"))


def _bound(comments: Sequence[str]) -> list[str]:
    """Return the newest comments, of a limited length in all."""
    kept: list[str] = []
    free = MAX_COMMENTS_CHARS
    for comment in reversed(comments):
        kept.append(comment[:free])
        free -= len(kept[-1])
        if free <= 0:
            break
    return kept


def _drop_quotes(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(">"))


def _read_answers(text: str, template: Template) -> _Answers:
    """Return what a text has below the template's headings; other headings are part of answers."""
    keys, answers = template.keys, _Answers()
    options = frozenset[str]().union(*(one.options for one in template.fields))
    section: list[str] | None = None
    for raw in drop_comments(text).splitlines():
        line = raw
        if heading := read_heading(line):
            key = fold_line(heading.text)
            if key in keys:
                section, line = answers.sections.setdefault(key, []), heading.rest
        is_content = _is_content(line, template, options)
        if is_content or _FENCE.fullmatch(line):
            answers.lines.append(line)
        if is_content and section is not None:
            section.append(line)
    return answers


def _is_content(line: str, template: Template, options: Collection[str]) -> bool:
    """Return whether the author wrote a line, and it is no placeholder."""
    folded = fold_line(line)
    if folded in options:
        return True
    if _FENCE.fullmatch(line) or _UNCHECKED.match(line) or folded in template.leftovers:
        return False
    return folded.strip("_*`. ") not in _NO_ANSWER and any(map(str.isalnum, folded))


def _is_answered(asked: Field, answers: _Answers) -> bool:
    if answers.sections.get(asked.key):
        return True
    starts = (f"{asked.key}:", f"{asked.key} =", f"{asked.key}=")
    return any(fold_line(line).startswith(starts) for line in answers.lines)


def _may_answer(asked: Field, reply: _Answers) -> bool:
    """Return whether a comment may be about what no pattern finds."""
    text = " ".join(reply.lines).casefold()
    words = set(_WORD.findall(asked.key))
    return len(text.split()) >= MIN_WORDS or any(word in text for word in words)
