"""Shortens an issue body for the prompt: hidden text, boilerplate, blobs and long logs go.

Also tells prose from code, quotes and headings line by line, for the fallback.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Literal

LineKind = Literal["prose", "heading", "quote", "code"]
Line = tuple[LineKind, str]

_WINDOW_HEAD = 48_000
_WINDOW_TAIL = 16_000
_LINES_HEAD, _LINES_TAIL = 1_000, 300
_MAX_LINE = 1_000
_SHAPE_CHARS = 200
_DATA_CUT = "[… data cut]"
_CODE_LINES = 20
_CODE_HEAD, _CODE_TAIL = 8, 5
_CODE_CHARS = 450
_CODE_LINE_CHARS = 240
_RUN_HEAD, _RUN_TAIL = 3, 1
_HEAD_SHARE = 0.7
_LONG_URL = 60

# Colour codes of terminals, controls, bidi and zero-width signs, tag characters.
# One set at its begin, so that `re` skips to the next of its characters at once.
UNSEEN = re.compile(
    "[\0-\x08\x0e-\x1f\x7f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e0fff]+(?:(?<=\x1b)\\[[0-9;]{0,20}[A-Za-z])?"
)
_REFERENCE = re.compile(  # a link's target, or a comment in disguise: never shown
    r" {0,3}\[[^\[\]]{1,200}\]:\s*\S+(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*"
)
_COMMENT = re.compile(r"(?<!`)<!--")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(?:#{1,6}(?=\s|$)|\*\*[^*]{1,80}\*\*:?\s*$|__[^_]{1,80}__:?\s*$)")
_UNTICKED = re.compile(r"\s*[-*+]\s+\[ ?\]")
_TICKED = re.compile(r"^\s*[-*+]\s+\[[xX]\]\s*")
_NO_ANSWER = frozenset({"", "no response", "n/a", "na", "none", "not applicable"})
_ANSWER_FRAME = " \t_*.`-"
_DATA_URI = re.compile(r"data:[\w/+.\-]{1,60};base64,[A-Za-z0-9+/=]*")
_BLOB = re.compile(r"[A-Za-z0-9+/=_\-]{120,}")
_IMAGE = re.compile(r"!\[([^\[\]]{0,200})\]\([^()\s]{0,2000}[^()]{0,200}\)|<img\b[^<>]{0,2000}>")
_LINK = re.compile(r"(?<!!)\[([^\[\]]{1,300})\]\(([^()\s]{1,2000})[^()]{0,200}\)")
_URL = re.compile(rf"(https?://[^\s<>()\[\]\"']{{{_LONG_URL}}})[^\s<>()\[\]\"']+")
_TAG = re.compile(
    r"(?i)</?(?:details|summary|br|hr|p|div|span|b|i|em|strong|sub|sup|kbd|code|pre|a|ul|ol|li"
    r"|table|thead|tbody|tr|td|th|h[1-6]|center|font|blockquote|samp|picture|source|video)"
    r"(?=[\s/>])[^<>]{0,500}>"
)
_FRAME = re.compile(
    r"\s*(?:at\s+\S|File \"|#\d+[: ]|\d+:\s+0x|in\s+\S+ \(|\.{3} \d+ more|from \S+:\d+:in)"
)
_VARYING = re.compile(r"0x[0-9a-fA-F]+|[0-9a-f]{8,}|\d+")


def condense(body: str, max_chars: int = 1800) -> str:
    """The body in at most `max_chars` characters, every cut visible as `[… 120 lines cut]`."""
    kept = _without_empty_sections(list(lines(body)))
    return _head_and_tail("\n".join(_folded(kept)).strip(), max_chars)


def lines(body: str) -> Iterator[Line]:
    """The visible lines of a body (of a very long one its head and tail), each with its kind.

    Prose comes without tags, images and long URLs; code as it is, fence lines included.
    """
    window = _window(body)
    last_close = max((n for n, line in enumerate(window) if "-->" in line), default=-1)
    fence, hidden = "", False
    for number, whole in enumerate(window):
        mark = None if hidden else _FENCE.match(whole)
        if fence or mark:
            yield "code", _BLOB.sub(_DATA_CUT, whole)
            fence = _fence_after(fence, mark, whole)
            continue
        line, hidden = _outside_comments(whole, hidden, closes_later=number < last_close)
        if line == whole or line.strip():
            yield from _outside_code(line)


def _fence_after(fence: str, mark: re.Match[str] | None, line: str) -> str:
    if not fence and mark:
        return mark[1]
    closes = mark and mark[1].startswith(fence) and not line.strip(" `~")
    return "" if closes else fence


def _outside_code(line: str) -> Iterator[Line]:
    if not _UNTICKED.match(line) and not _REFERENCE.fullmatch(line):
        kind = _kind(line)
        yield kind, line if kind == "code" else _cleaned(line)


def _kind(line: str) -> LineKind:
    if _HEADING.match(line):
        return "heading"
    if line.startswith(("    ", "\t")):
        return "code"
    return "quote" if line.lstrip().startswith(">") else "prose"


def _cleaned(line: str) -> str:
    line = _TICKED.sub("- ", line)
    line = _LINK.sub(_link_text, _IMAGE.sub("[image]", line))
    line = _BLOB.sub(_DATA_CUT, _DATA_URI.sub(_DATA_CUT, line))
    return _URL.sub(r"\1…", _TAG.sub("", line)).rstrip()


def _link_text(link: re.Match[str]) -> str:
    return link[1] if len(link[2]) > _LONG_URL else f"[{link[1]}]({link[2]})"


def _window(body: str) -> list[str]:
    """Head and tail of a very long body, so that no later step depends on its length."""
    cut = len(body) - _WINDOW_HEAD - _WINDOW_TAIL
    if cut > 0:
        mark = f"\n[… {cut} characters cut]\n"
        body = body[:_WINDOW_HEAD] + mark + body[-_WINDOW_TAIL:]
    window = [_head_and_tail(line, _MAX_LINE) for line in UNSEEN.sub("", body).splitlines()]
    return _ends(window, _LINES_HEAD, _LINES_TAIL, "lines")


def _ends(window: list[str], head: int, tail: int, noun: str) -> list[str]:
    cut = len(window) - head - tail
    if cut <= 1:
        return window
    return [*window[:head], f"[… {cut} {noun} cut]", *window[-tail:]]


def _outside_comments(line: str, hidden: bool, *, closes_later: bool) -> tuple[str, bool]:
    """The line without its comments, and whether one is still open at its end."""
    kept: list[str] = []
    while True:
        if hidden:
            _, found, line = line.partition("-->")
            if not found:
                return "".join(kept), True
        start = _COMMENT.search(line)
        hides = start and (closes_later or "-->" in line[start.end() :] or not start.start())
        if not start or not hides:
            return "".join(kept) + line, False
        kept.append(line[: start.start()])
        line, hidden = line[start.end() :], True


def _without_empty_sections(kept: list[Line]) -> list[Line]:
    """Drops headings that nothing follows but blanks, "No response" and the like."""
    result: list[Line] = []
    section_is_empty = True
    for kind, line in reversed(kept):
        if kind == "heading":
            if not section_is_empty:
                result.append((kind, line))
            section_is_empty = True
        elif kind != "prose" or line.strip(_ANSWER_FRAME).lower() not in _NO_ANSWER:
            section_is_empty = False
            result.append((kind, line))
        elif not section_is_empty or not line.strip():
            result.append((kind, line))
    return result[::-1]


def _folded(kept: list[Line]) -> Iterator[str]:
    for is_code, block in itertools.groupby(kept, lambda line: line[0] == "code"):
        fold = _fold_code if is_code else _fold_runs
        yield from fold([line for _, line in block])


def _fold_code(block: list[str]) -> list[str]:
    folded = _fold_runs([_head_and_tail(line, _CODE_LINE_CHARS) for line in block])
    if len(folded) > _CODE_LINES:
        folded = _ends(folded, _CODE_HEAD, _CODE_TAIL, "lines")
    if sum(map(len, folded)) <= _CODE_CHARS:
        return folded
    head = _within(folded, _CODE_CHARS * _HEAD_SHARE)
    tail = _within(folded[:head:-1], _CODE_CHARS * (1 - _HEAD_SHARE))
    return _ends(folded, head, tail, "lines")


def _within(block: list[str], chars: float) -> int:
    """How many lines from the first on fit; at least one."""
    sizes = itertools.accumulate(map(len, block))
    return max(1, sum(size <= chars for size in sizes))


def _fold_runs(block: list[str]) -> list[str]:
    """Keeps the ends of runs of stack frames or of lines that differ in numbers only."""
    result: list[str] = []
    for shape, run in itertools.groupby(block, _shape):
        ends = _ends(list(run), _RUN_HEAD, _RUN_TAIL, "similar lines")
        result.extend(ends if shape else [""])
    return result


def _shape(line: str) -> str:
    return "frame" if _FRAME.match(line) else _VARYING.sub("0", line[:_SHAPE_CHARS]).strip()


def _head_and_tail(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    mark = f" [… {len(text) - max_chars} characters cut] "
    room = max(0, max_chars - len(mark))
    head = int(room * _HEAD_SHARE)
    tail = room - head
    return (text[:head] + mark + text[len(text) - tail :])[:max_chars]
