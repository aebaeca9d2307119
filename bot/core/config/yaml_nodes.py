"""Parses a small YAML file into a tree of nodes with their lines, within fixed limits.

Parser events are counted before nodes are built. An alias becomes an empty node: nothing is
expanded, and no node occurs twice.
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
# ruamel.yaml takes about 50 µs a node and 3 µs a character: limits for 50 ms on a slow core.
MAX_CHARS = 12 * 1024  # without comments and blank lines
MAX_NODES = 400
MAX_DEPTH = 10
MAX_BRACKETS = 20  # nested; the time for a bracket grows with the depth
ANCHOR = (
    "write it out: anchors (&) and aliases (*) are not read; text that starts with them needs"
    " quotes"
)
NO_TEXT = "not valid YAML: is it text in UTF-8, without control characters?"
# Patterns of the parser's errors, and the advice for the maintainer.
SYNTAX = {
    r"'\\t'": "indent with spaces, not with tabs",
    r"mapping values": "a `:` too many, or none in the line above; text with `: ` needs quotes",
    r"block end": "the indentation does not fit the lines above",
    r"end of stream|stream end": "a bracket or quote is opened here and never closed",
    r"alphabetic or numeric|cannot start": "text that starts with * or @ and the like needs quotes",
}


class InvalidYaml(ValueError):
    """The text is not YAML, or uses syntax that Tagline does not read.

    `line` is 0 where the problem is the whole text.
    `size` is the number of nodes before the problem.
    """

    def __init__(self, line: int, advice: str) -> None:
        super().__init__(advice)
        self.line = line
        self.size = 0


@dataclass(slots=True)
class Scalar:
    """A scalar or an alias. `kind` is str, int, float, bool, null, alias or another YAML type.

    `tag` is a custom tag such as `!bug`.
    """

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
    """A parsed document. `root` is None for an empty text, `size` is the number of nodes.

    `refused` is the error for the first anchor or alias.
    """

    root: Node | None
    size: int
    refused: InvalidYaml | None


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"


def compose(text: str, max_nodes: int = MAX_NODES) -> Document:
    """Parse the only document in `text`. Raises no error but `InvalidYaml`."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidYaml(0, f"keep the file under {MAX_BYTES // 1024} KiB")
    short, lines = _drop_idle_lines(text)
    if (index := _find_deep_bracket(short)) >= 0:
        raise InvalidYaml(lines[index], "too many brackets are open at once")
    composer = _Composer(short, lines, max_nodes)
    try:
        root = composer.root()
    except Exception as error:  # hostile text triggers bugs of the parser
        invalid = composer.explain(error)
        invalid.size = composer.size
        raise invalid from None
    return Document(root, composer.size, composer.refused)


def blocks(text: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield each key at the start of a line, with its line and the lines indented below it.

    The keys are at the top level, or with `depth` 1 at the level below the first line; then each
    block starts with that line.
    """
    head, _, rest = text.partition("\n") if depth else ("", "", text)
    indent = (len(rest) - len(rest.lstrip(" "))) * depth
    keys = [*re.finditer(rf"^ {{{indent}}}{KEY}", rest, re.MULTILINE)]
    ends = [*(key.start() for key in keys[1:]), len(rest)]
    for key, end in zip(keys, ends, strict=False):
        yield key[1], f"{head}\n{rest[key.start() : end]}".strip("\n")


def tidy(text: str) -> str:
    """Return the text without idle lines, lines that are very long or contain control characters,
    and repeated blanks; a tab that indents becomes two blanks."""
    text = IDLE.sub("", CONTROL.sub(_strip_comment, _normalize_line_ends(text)))
    text = LONG.sub("", re.sub(r"(?<=\S) {2,}", " ", text))
    return INDENT.sub(lambda indent: indent[0].replace("\t", "  "), text)


def _strip_comment(line: re.Match[str]) -> str:
    """Return a line without its comment, "" if it still contains control characters."""
    content = line[0].partition(" #")[0]
    return "" if CONTROL.search(content) else content


# "Idle" lines are blank lines and comment lines.
KEY = r"""["']?(\w[\w-]{0,40})["']?[ ]*:(?=\s|$)"""
IDLE = re.compile(r"^[ \t]*(?:#.*)?(?:\n|\Z)", re.MULTILINE)
CONTROL = re.compile(
    r"^.*[^\t\n -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff].*$", re.MULTILINE
)
LONG = re.compile(r"^.{3000,}\n?", re.MULTILINE)
INDENT = re.compile(r"^ *\t[ \t]*", re.MULTILINE)
OUTER_IDLE = re.compile(r"^(?:#.*| *)(?:\n|\Z)", re.MULTILINE)


def _normalize_line_ends(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _drop_idle_lines(text: str) -> tuple[str, Sequence[int]]:
    """Return the text and the number of each of its lines.

    A long text is returned without comment lines and repeated blank lines: a file may consist of
    them, and the parser is slow on them.
    """
    text = _normalize_line_ends(text)
    if len(text) <= MAX_CHARS:
        return text, range(1, text.count("\n") + 2)
    if len(OUTER_IDLE.sub("", text)) > MAX_CHARS:
        advice = f"keep the file under {MAX_CHARS // 1024} KiB beside comments and blank lines"
        raise InvalidYaml(0, advice)
    kept: list[tuple[int, str]] = []
    is_idle = False
    for number, line in enumerate(text.split("\n"), 1):
        was_idle, is_idle = is_idle, not line.strip(" ") or line.startswith("#")
        if not is_idle or not was_idle:
            kept.append((number, "" if is_idle else line))
    return "\n".join(line for _, line in kept), [number for number, _ in kept]


def _find_deep_bracket(text: str) -> int:
    """Return the index of the first line with too many nested brackets, -1 for none."""
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
        self.refused: InvalidYaml | None = None

    def root(self) -> Node | None:
        self._loader = BaseLoader(self._text)
        root: Node | None = None
        documents = 0
        while self._loader.check_event():
            event = self._next()
            if isinstance(event, events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    advice = "not valid YAML: keep one document: remove the line of dashes"
                    raise InvalidYaml(self._line(event.start_mark), advice)
            elif isinstance(event, events.NodeEvent):
                root = self._node(event, 1)
        return root

    def explain(self, error: Exception) -> InvalidYaml:
        if isinstance(error, InvalidYaml):
            return error
        if not isinstance(error, MarkedYAMLError):
            return InvalidYaml(0, NO_TEXT)
        problem = str(error.problem)
        known = (advice for pattern, advice in SYNTAX.items() if re.search(pattern, problem))
        advice = next(known, "the text before it is not finished, or the indentation is wrong")
        opened = error.context_mark if "opened" in advice else None
        return InvalidYaml(self._line(opened or error.problem_mark), f"not valid YAML: {advice}")

    def _next(self) -> Any:
        """Return the next event. Raises `InvalidYaml` beyond the limits."""
        event = self._loader.get_event()
        if getattr(event, "anchor", None) is not None and not self.refused:
            self.refused = InvalidYaml(self._line(event.start_mark), ANCHOR)
        if isinstance(event, events.NodeEvent):
            self.size += 1
            if self.size > self._max_nodes:
                raise InvalidYaml(0, f"keep the file under {MAX_NODES} keys and values")
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
            raise InvalidYaml(line, f"this is nested more than {MAX_DEPTH} levels deep")
        children = list(self._children(depth))
        if isinstance(event, events.SequenceStartEvent):
            return List(line, children, own_tag)
        pairs = list(zip(children[::2], children[1::2], strict=True))
        for key, value in pairs:
            if isinstance(value, Scalar) and not value.text:
                value.line = key.line  # the parser reports a missing value in the next line
        return Map(line, pairs, own_tag)

    def _children(self, depth: int) -> Iterator[Node]:
        """Yield the nodes of a list or a mapping, up to its end."""
        while isinstance(event := self._next(), events.NodeEvent):
            yield self._node(event, depth + 1)

    def _line(self, mark: Any) -> int:
        """Return the line in the original text."""
        return self._lines[min(mark.line, len(self._lines) - 1)] if mark else 0
