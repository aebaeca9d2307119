"""The text of a small YAML file → a tree of nodes with their lines, within fixed bounds.

The parser's events are counted before anything is built of them. An alias becomes a node without
content wherever it stands, so no node occurs twice and nothing is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import events
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.loader import BaseLoader
from ruamel.yaml.nodes import ScalarNode

MAX_BYTES = 64 * 1024
# ruamel.yaml takes about 50 µs a node and 3 µs a character: bounds for 50 ms on a slow core.
MAX_CHARS = 12 * 1024  # beside remarks and blank lines
MAX_NODES = 400
MAX_DEPTH = 10
MAX_BRACKETS = 20  # open at once; the time that a bracket takes grows with their number
ANCHOR = (
    "write it out: anchors (&) and aliases (*) are not read; text that starts with them needs"
    " quotes"
)
NO_TEXT = "not valid YAML: is it text in UTF-8, without control characters?"
# What the parser complains of, and what a maintainer does about it.
SYNTAX = {
    r"'\\t'": "indent with spaces, not with tabs",
    r"mapping values": "a `:` too many, or none in the line above; text with `: ` needs quotes",
    r"block end": "the indentation does not fit the lines above",
    r"end of stream|stream end": "a bracket or quote is opened here and never closed",
    r"alphabetic or numeric|cannot start": "text that starts with * or @ and the like needs quotes",
}
START = (events.AliasEvent, events.ScalarEvent, events.SequenceStartEvent, events.MappingStartEvent)


class Unreadable(ValueError):
    """The text as a whole cannot be read. `line` counts from 1, 0 = the whole text; `size` is the
    number of nodes before it."""

    def __init__(self, line: int, advice: str) -> None:
        super().__init__(advice)
        self.line = line
        self.size = 0


@dataclass(slots=True)
class Scalar:
    """`text` is as the parser gives it; `kind` is str, int, float, bool, null, alias or another
    type; `tag` is a tag of the author's own, such as `!bug`."""

    line: int
    text: str
    kind: str = "str"
    tag: str = ""


@dataclass(slots=True)
class List:
    line: int
    items: list[Node]
    tag: str = ""


@dataclass(slots=True)
class Map:
    line: int
    pairs: list[tuple[Node, Node]]
    tag: str = ""


Node = Scalar | List | Map


@dataclass(frozen=True, slots=True)
class Document:
    """`root` is None where the text holds nothing; `size` is the number of nodes. `refused` is the
    first anchor or alias."""

    root: Node | None
    size: int
    refused: Unreadable | None


def compose(text: str, max_nodes: int = MAX_NODES) -> Document:
    """Return the one document in `text`. Raises `Unreadable`, whatever the text is."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise Unreadable(0, f"keep the file under {MAX_BYTES // 1024} KiB")
    short, lines = _shortened(text)
    if (index := _bracketed(short)) >= 0:
        raise Unreadable(lines[index], "too many brackets are open at once")
    composer = _Composer(short, lines, max_nodes)
    try:
        root = composer.root()
    except Exception as error:  # the parser meets hostile text, and has faults of its own
        refusal = composer.explain(error)
        refusal.size = composer.size
        raise refusal from None
    return Document(root, composer.size, composer.refused)


def blocks(text: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Give each key that begins a line, and that line with the lines indented below it.

    These are of the outermost level, or of the one inside the first line where `depth` is 1, and
    then that line leads each of them.
    """
    head, _, rest = text.partition("\n") if depth else ("", "", text)
    indent = (len(rest) - len(rest.lstrip(" "))) * depth
    keys = [*re.finditer(rf"^ {{{indent}}}{KEY}", rest, re.MULTILINE)]
    ends = [*(key.start() for key in keys[1:]), len(rest)]
    for key, end in zip(keys, ends, strict=False):
        yield key[1], f"{head}\n{rest[key.start() : end]}".strip("\n")


def tidied(text: str) -> str:
    """Return the text without blank lines, remarks of a whole line, lines that are very long or
    hold control characters, and all but one of several blanks; two blanks for a tab that indents.
    """
    text = IDLE.sub("", CONTROL.sub(_before_remark, _one_line_end(text)))
    text = LONG.sub("", re.sub(r"(?<=\S) {2,}", " ", text))
    return INDENT.sub(lambda found: found[0].replace("\t", "  "), text)


def _before_remark(found: re.Match[str]) -> str:
    before = found[0].partition(" #")[0]
    return "" if CONTROL.search(before) else before


KEY = r"""["']?(\w[\w-]{0,40})["']?[ ]*:(?=\s|$)"""
IDLE = re.compile(r"^[ \t]*(?:#.*)?(?:\n|\Z)", re.MULTILINE)
CONTROL = re.compile(
    r"^.*[^\t\n -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff].*$", re.MULTILINE
)
LONG = re.compile(r"^.{3000,}\n?", re.MULTILINE)
INDENT = re.compile(r"^ *\t[ \t]*", re.MULTILINE)
OUTER_IDLE = re.compile(r"^(?:#.*| *)(?:\n|\Z)", re.MULTILINE)


def _one_line_end(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _shortened(text: str) -> tuple[str, Sequence[int]]:
    """The text and the number of each of its lines.

    A long one is without the remarks of a whole line and all but the first of several blank lines:
    they cost the parser much, and a file may well consist of them.
    """
    text = _one_line_end(text)
    if len(text) <= MAX_CHARS:
        return text, range(1, text.count("\n") + 2)
    if len(OUTER_IDLE.sub("", text)) > MAX_CHARS:
        advice = f"keep the file under {MAX_CHARS // 1024} KiB beside remarks and blank lines"
        raise Unreadable(0, advice)
    kept: list[tuple[int, str]] = []
    is_idle = False
    for number, line in enumerate(text.split("\n"), 1):
        was_idle, is_idle = is_idle, not line.strip(" ") or line.startswith("#")
        if not is_idle or not was_idle:
            kept.append((number, "" if is_idle else line))
    return "\n".join(line for _, line in kept), [number for number, _ in kept]


def _bracketed(text: str) -> int:
    """The index of the first line in which too many brackets are open at once, -1 for none."""
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_BRACKETS:
            return text.count("\n", 0, bracket.start())
    return -1


class _Composer:
    def __init__(self, text: str, lines: Sequence[int], max_nodes: int) -> None:
        self._text = text
        self._lines = lines
        self._max_nodes = max_nodes
        self._loader: Any = None
        self.size = 0
        self.refused: Unreadable | None = None

    def root(self) -> Node | None:
        self._loader = BaseLoader(self._text)
        found: Node | None = None
        documents = 0
        for event in self._events():
            if isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    advice = "not valid YAML: keep one document: take out the line of dashes"
                    raise Unreadable(self._line(event.start_mark), advice)
            elif isinstance(event, START):
                found = self._node(event, 1)
        return found

    def explain(self, error: Exception) -> Unreadable:
        if isinstance(error, Unreadable):
            return error
        if not isinstance(error, MarkedYAMLError):
            return Unreadable(0, NO_TEXT)
        said = str(error.problem)
        known = (advice for sign, advice in SYNTAX.items() if re.search(sign, said))
        advice = next(known, "the text before it is not finished, or the indentation is wrong")
        opened = error.context_mark if "opened" in advice else None
        return Unreadable(self._line(opened or error.problem_mark), f"not valid YAML: {advice}")

    def _events(self) -> Iterator[Any]:
        while self._loader.check_event():
            yield self._next()

    def _next(self) -> Any:
        """The next event. Raises `Unreadable` past the bounds."""
        event = self._loader.get_event()
        if getattr(event, "anchor", None) is not None and not self.refused:
            self.refused = Unreadable(self._line(event.start_mark), ANCHOR)
        if isinstance(event, START):
            self.size += 1
            if self.size > self._max_nodes:
                raise Unreadable(0, f"keep the file under {MAX_NODES} keys and values")
        return event

    def _node(self, event: Any, depth: int) -> Node:
        line = self._line(event.start_mark)
        if isinstance(event, events.AliasEvent):
            return Scalar(line, "", "alias")
        tag = event.tag or ""
        own_tag = tag if tag.startswith("!") and tag != "!" else ""
        if isinstance(event, events.ScalarEvent):
            kind = tag or self._loader.resolve(ScalarNode, event.value, event.implicit)
            kind = "str" if own_tag or tag == "!" else str(kind).rpartition(":")[2]
            return Scalar(line, str(event.value), kind, own_tag)
        if depth >= MAX_DEPTH:
            raise Unreadable(line, f"this is nested more than {MAX_DEPTH} levels deep")
        inside = list(self._inside(depth))
        if isinstance(event, events.SequenceStartEvent):
            return List(line, inside, own_tag)
        pairs = list(zip(inside[::2], inside[1::2], strict=True))
        for key, value in pairs:
            if isinstance(value, Scalar) and not value.text:
                value.line = key.line  # the parser finds one that is not there in the next line
        return Map(line, pairs, own_tag)

    def _inside(self, depth: int) -> Iterator[Node]:
        """The nodes of a list or a mapping, up to its end."""
        while isinstance(event := self._next(), START):
            yield self._node(event, depth + 1)

    def _line(self, mark: Any) -> int:
        """The line in the original text."""
        return self._lines[min(mark.line, len(self._lines) - 1)] if mark else 0
