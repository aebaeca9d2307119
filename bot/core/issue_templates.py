"""Parses the issue forms and Markdown templates of a repository: what they ask for.

A template that cannot be read, or that is beyond the limits, asks for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, zip_longest
from typing import Literal

from bot.core.config.yaml_nodes import InvalidYaml, List, Map, Node, Scalar, compose
from bot.core.report_port import TemplateFile
from bot.core.text.condense import INVISIBLE

Kind = Literal["bug", "feature", "other"]

MAX_FIELDS = 40
MAX_FORM_NODES = 1000
MAX_CHARS = 64 * 1024  # of a Markdown template
MAX_HEADING = 200  # characters of a line that may be a heading
INPUTS = ("input", "textarea", "dropdown", "upload")  # parts of a form that hold an answer
TRUE = ("bool", "true")  # kind and text of a YAML node
BOLD_LEVEL = 7  # below all levels of `#`

# Groups: level, text; text and the rest of a line such as `**Version:** 1.2`.
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_BOLD = re.compile(r" {0,3}(?:\*\*|__)([^*_]{1,120})(?:\*\*|__)(:?)(.*)")
_MARKUP = " \t#*_>`~+-:"
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\n(.{0,4000}?)\n---[ \t]*\n", re.DOTALL)
_FRONT_NAME = re.compile(r"^(?:name|title|labels|type):(.*)", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_NOTE = "\ue001"  # surrounds what was a comment
_BOX = re.compile(r"\s*[-*+]\s+\[[ xX]?\]")
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("bug", re.compile(r"bug|defect|crash|regression|incident|problem", re.IGNORECASE)),
    ("feature", re.compile(r"feature|enhancement|idea|proposal|suggest|rfc", re.IGNORECASE)),
)
_OF_BUGS = re.compile(r"reproduc|\brepro\b", re.IGNORECASE)
# Headings of a Markdown template under which nothing has to be, and notes that say so.
_OPTIONAL = re.compile(
    r"option(?:al|nel)|opcional|facult?ativ|facoltativ|необязат|可选|可選|任意|선택"
    r"|\b(?:if|where|when) (?:applicable|any|available|relevant|possible|appropriate|needed"
    r"|necessary|known|you (?:have|can|know|want))\b"
    r"|\b(?:not|isn't) (?:required|mandatory|needed)|\b(?:delete|remove|skip|ignore) (?:this|if)\b",
    re.IGNORECASE,
)
_OPTIONAL_NAME = re.compile(
    r"\b(?:additional|additionally|anything else|other|further|extra|more) ?(?:context|info\w*"
    r"|notes?|comments?|details?|remarks?)?\b|\banything\b|\b(?:screen ?shots?|screencasts?|videos?"
    r"|images?|attachments?|alternatives?|workarounds?|references?|links?|related|relevant|notes?"
    r"|possible|suggested|proposed|checklist|check ?list|tasks?|labels?|assignees?|acknowledge\w*"
    r"|agree\w*|code of conduct|contribut\w*|pull request|thanks?|thank you|welcome|guidelines?"
    r"|instructions?|important|warning|before|prerequisites?|pre-?flight|duplicates?|searched"
    r"|search|template|bug report|feature request|issue report)\b|\bwilling\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Field:
    """What a template asks for. `key` is its heading as `fold_line` returns it.

    `is_required`: a report without it lacks it. `options` are the folded answers of a list.
    """

    name: str
    key: str
    is_required: bool
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Template:
    """`leftovers` are the folded lines that the template itself puts into a report."""

    fields: tuple[Field, ...]
    leftovers: frozenset[str]
    is_form: bool
    kind: Kind

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(field.key for field in self.fields)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in Markdown; `rest` is the text after one in bold, as in `**Version:** 1.2`."""

    level: int
    text: str
    rest: str = ""


@dataclass(slots=True)
class _Section:
    level: int
    name: str
    lines: list[str]
    notes: list[str]


def fold_line(text: str) -> str:
    """Return a line for comparisons: without markup at its ends, case and invisible characters."""
    plain = unicodedata.normalize("NFKC", INVISIBLE.sub("", text[:MAX_HEADING]))
    return " ".join(plain.casefold().split()).strip(_MARKUP)


def read_heading(line: str) -> Heading | None:
    """Return the heading that a line is, None for another line."""
    if len(line) > MAX_HEADING:
        return None
    if match := _HEADING.match(line):
        return Heading(len(match[1]), match[2].rstrip(" \t#"))
    match = _BOLD.match(line)
    if not match:
        return None
    rest = match[3].strip()
    has_colon = match[2] or match[1].rstrip().endswith(":")
    return Heading(BOLD_LEVEL, match[1], rest) if has_colon or not rest else None


def split_comments(text: str) -> tuple[str, str]:
    """Return a text up to the end of its last complete HTML comment, and the rest."""
    closed, end, rest = text.rpartition("-->")
    return closed + end, rest


def drop_comments(text: str) -> str:
    """Return a text without its complete HTML comments."""
    closed, rest = split_comments(text)
    return _COMMENT.sub("", closed) + rest


@lru_cache(maxsize=128)  # the files are the same for most jobs of a repository
def parse_template(file: TemplateFile) -> Template | None:
    """Return what a file asks for, None where that is nothing or the file cannot be read."""
    if file.path.lower().endswith((".yml", ".yaml")):
        try:
            template = _parse_form(file)
        except InvalidYaml:
            return None
    else:
        template = _parse_markdown(file)
    return template if 0 < len(template.fields) <= MAX_FIELDS else None


def _parse_form(file: TemplateFile) -> Template:
    """Return an issue form; GitHub renders each answer below a heading, the label of its part.

    https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
    """
    root = compose(file.text, MAX_FORM_NODES).root
    fields: list[Field] = []
    leftovers: set[str] = set()
    for part in _list_items(_find_child(root, "body")):
        if field := _parse_field(part):
            fields.append(field)
            attributes = _find_child(part, "attributes")
            for name in ("placeholder", "value"):
                leftovers |= _fold_leftovers(_read_text(_find_child(attributes, name)).split("\n"))
    names = [_read_text(_find_child(root, name)) for name in ("name", "title")]
    labels = _find_child(root, "labels")
    names += map(_read_text, (labels, *_list_items(labels)))  # one text, or a list
    return Template(tuple(fields), frozenset(leftovers), True, _find_kind(file.path, names, fields))


def _parse_field(part: Node) -> Field | None:
    """Return what a part of an issue form asks for, None for a part without an answer."""
    kind, attributes = _read_text(_find_child(part, "type")), _find_child(part, "attributes")
    label = _read_text(_find_child(attributes, "label"))
    if not (key := fold_line(label)) or kind not in (*INPUTS, "checkboxes"):
        return None
    required = _find_child(_find_child(part, "validations"), "required")
    is_true = isinstance(required, Scalar) and (required.kind, required.text.lower()) == TRUE
    options = _list_items(_find_child(attributes, "options")) if kind == "dropdown" else ()
    answers = frozenset(fold_line(_read_text(option)) for option in options)
    return Field(label, key, is_true and kind in INPUTS, answers)


def _list_items(node: Node | None) -> Sequence[Node]:
    return node.items if isinstance(node, List) else ()


def _find_child(node: Node | None, name: str) -> Node | None:
    pairs = node.pairs if isinstance(node, Map) else ()
    return next((value for key, value in pairs if _read_text(key) == name), None)


def _read_text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _parse_markdown(file: TemplateFile) -> Template:
    text = file.text[:MAX_CHARS].replace("\r\n", "\n").replace("\r", "\n").replace(_NOTE, "")
    front = _FRONT_MATTER.match(text)
    names = _FRONT_NAME.findall(front[1]) if front else []
    split = _split_sections(text[front.end() :] if front else text)
    sections = list(islice(split, MAX_FIELDS + 1))
    fields = []
    for section, following in zip_longest(sections, sections[1:]):
        is_group = following is not None and following.level > section.level
        is_required = not is_group and not _is_optional(section)
        fields.append(Field(section.name, fold_line(section.name), is_required))
    fields = [field for field in fields if field.key]
    leftovers = _fold_leftovers(line for section in sections for line in section.lines)
    return Template(tuple(fields), leftovers, False, _find_kind(file.path, names, fields))


def _split_sections(text: str) -> Iterator[_Section]:
    """Yield the part below each heading: its lines, and its comments as notes."""
    closed, rest = split_comments(text)
    marked = _COMMENT.sub(lambda x: _NOTE + " ".join(x[1].split()) + _NOTE, closed) + rest
    section: _Section | None = None
    for line in marked.split("\n"):
        parts = line.split(_NOTE)
        visible = "".join(parts[::2])
        if heading := read_heading(visible):
            if section:
                yield section
            section = _Section(heading.level, heading.text, [heading.rest], [])
        elif section:
            section.lines.append(visible)
        if section:
            section.notes += parts[1::2]
    if section:
        yield section


def _is_optional(section: _Section) -> bool:
    notes = " ".join((section.name, *section.notes, *section.lines))[:2000]
    lines = [line for line in section.lines if line.strip()]
    has_boxes_only = bool(lines) and all(_BOX.match(line) for line in lines)
    return has_boxes_only or bool(_OPTIONAL_NAME.search(section.name) or _OPTIONAL.search(notes))


def _fold_leftovers(lines: Iterable[str]) -> frozenset[str]:
    """Return lines for comparisons, also what is before a colon: `- OS: [e.g. iOS]`, `- OS:`."""
    folded = {fold_line(line) for line in lines}
    return frozenset({*folded, *(line.partition(":")[0].strip() for line in folded)} - {""})


def _find_kind(path: str, names: Iterable[str], fields: Iterable[Field]) -> Kind:
    text = " ".join((path.rpartition("/")[2], *names))
    kinds = [kind for kind, pattern in _KINDS if pattern.search(text)]
    if len(kinds) == 1:
        return kinds[0]
    is_bug = not kinds and any(_OF_BUGS.search(field.name) for field in fields)
    return "bug" if is_bug else "other"
