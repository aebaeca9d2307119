"""Shortens an issue body for the prompt: removes hidden text, boilerplate, blobs and long logs.

Also classifies lines as prose, heading, quote or code, for the rules that work without a model.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Literal

LineKind = Literal["prose", "heading", "quote", "code"]
Line = tuple[LineKind, str]

HEAD_CHARS, TAIL_CHARS = 48_000, 16_000  # of a very long body
_HEAD_LINES, _TAIL_LINES = 1_000, 300
_MAX_LINE = 1_000
_SHAPE_CHARS = 200
_DATA_CUT = "[… data cut]"
_MAX_CODE_LINES = 20
_CODE_HEAD_LINES, _CODE_TAIL_LINES = 8, 5
_MAX_CODE_CHARS = 450
_MAX_CODE_LINE = 240
_RUN_HEAD, _RUN_TAIL = 3, 1
_HEAD_SHARE = 0.7
_MAX_URL = 60

# Terminal colour codes, control, bidi and zero-width characters, tag characters. The pattern
# starts with one character class, so that `re` can search for its characters directly.
INVISIBLE = re.compile(
    "[\0-\x08\x0e-\x1f\x7f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e0fff]+(?:(?<=\x1b)\\[[0-9;]{0,20}[A-Za-z])?"
)
_LINK_DEFINITION = re.compile(  # not rendered; some people write comments in this form
    r" {0,3}\[[^\[\]]{1,200}\]:\s*\S+(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*"
)
_COMMENT = re.compile(r"(?<!`)<!--")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(?:#{1,6}(?=\s|$)|\*\*[^*]{1,80}\*\*:?\s*$|__[^_]{1,80}__:?\s*$)")
_UNCHECKED_BOX = re.compile(r"\s*[-*+]\s+\[ ?\]")
_CHECKED_BOX = re.compile(r"^\s*[-*+]\s+\[[xX]\]\s*")
_NO_ANSWER = frozenset({"", "no response", "n/a", "na", "none", "not applicable"})
_ANSWER_MARKUP = " \t_*.`-"
_DATA_URI = re.compile(r"data:[\w/+.\-]{1,60};base64,[A-Za-z0-9+/=]*")
_BLOB = re.compile(r"https?://\S+|[A-Za-z0-9+/=_\-]{120,}")  # an address is no blob
_IMAGE = re.compile(r"!\[([^\[\]]{0,200})\]\([^()\s]{0,2000}[^()]{0,200}\)|<img\b[^<>]{0,2000}>")
_LINK = re.compile(r"(?<!!)\[([^\[\]]{1,300})\]\(([^()\s]{1,2000})[^()]{0,200}\)")
_URL = re.compile(rf"(https?://[^\s<>()\[\]\"']{{{_MAX_URL}}})[^\s<>()\[\]\"']+")
_TAG = re.compile(
    r"(?i)</?(?:details|summary|br|hr|p|div|span|b|i|em|strong|sub|sup|kbd|code|pre|a|ul|ol|li"
    r"|table|thead|tbody|tr|td|th|h[1-6]|center|font|blockquote|samp|picture|source|video)"
    r"(?=[\s/>])[^<>]{0,500}>"
)
_STACK_FRAME = re.compile(
    r"\s*(?:at\s+\S|File \"|#\d+[: ]|\d+:\s+0x|in\s+\S+ \(|\.{3} \d+ more|from \S+:\d+:in)"
)
_VARYING = re.compile(r"0x[0-9a-fA-F]+|[0-9a-f]{8,}|\d+")


def condense(body: str, max_chars: int = 1800) -> str:
    """Return the body in at most `max_chars` characters, each cut marked `[… 120 lines cut]`."""
    kept = drop_empty_sections(list(classify_lines(body)))
    return _shorten("\n".join(_fold(kept)).strip(), max_chars)


def classify_lines(body: str) -> Iterator[Line]:
    """Yield the visible lines of a body with their kinds; of a very long body its head and tail.

    Prose comes without tags, images and long URLs; code unchanged, with its fence lines.
    """
    window = _select_window(body)
    last_close = max((n for n, line in enumerate(window) if "-->" in line), default=-1)
    fence, in_comment = "", False
    for number, raw in enumerate(window):
        mark = None if in_comment else _FENCE.match(raw)
        if fence or mark:
            yield "code", _BLOB.sub(_cut_blob, raw)
            fence = _find_open_fence(fence, mark, raw)
            continue
        line, in_comment = _strip_comments(raw, in_comment, closes_later=number < last_close)
        is_blank = line != raw and not line.strip()
        if not (is_blank or _UNCHECKED_BOX.match(line) or _LINK_DEFINITION.fullmatch(line)):
            kind = _classify(line)
            yield kind, line if kind == "code" else _clean(line)


def _find_open_fence(fence: str, mark: re.Match[str] | None, line: str) -> str:
    """Return the fence that is open after this line, "" for none."""
    if not fence and mark:
        return mark[1]
    closes = mark and mark[1].startswith(fence) and not line.strip(" `~")
    return "" if closes else fence


def _classify(line: str) -> LineKind:
    if _HEADING.match(line):
        return "heading"
    if line.startswith(("    ", "\t")):
        return "code"
    return "quote" if line.lstrip().startswith(">") else "prose"


def _clean(line: str) -> str:
    line = _LINK.sub(_shorten_link, _IMAGE.sub("[image]", _CHECKED_BOX.sub("- ", line)))
    line = _BLOB.sub(_cut_blob, _DATA_URI.sub(_DATA_CUT, line))
    return _URL.sub(r"\1…", _TAG.sub("", line)).rstrip()


def _cut_blob(blob: re.Match[str]) -> str:
    return blob[0] if blob[0].startswith("http") else _DATA_CUT


def _shorten_link(link: re.Match[str]) -> str:
    return link[1] if len(link[2]) > _MAX_URL else f"[{link[1]}]({link[2]})"


def _select_window(body: str) -> list[str]:
    """Return the lines of the head and tail: no later step depends on the body's length."""
    cut = len(body) - HEAD_CHARS - TAIL_CHARS
    if cut > 0:
        body = f"{body[:HEAD_CHARS]}\n[… {cut} characters cut]\n{body[-TAIL_CHARS:]}"
    window = [_shorten(line, _MAX_LINE) for line in INVISIBLE.sub("", body).splitlines()]
    return _cut_middle(window, _HEAD_LINES, _TAIL_LINES, "lines")


def _cut_middle(window: list[str], head: int, tail: int, noun: str) -> list[str]:
    cut = len(window) - head - tail
    if cut <= 1:
        return window
    return [*window[:head], f"[… {cut} {noun} cut]", *window[-tail:]]


def _strip_comments(line: str, in_comment: bool, *, closes_later: bool) -> tuple[str, bool]:
    """Return the line without its comments, and whether a comment is open at its end."""
    kept: list[str] = []
    while True:
        if in_comment:
            _, end, line = line.partition("-->")
            if not end:
                return "".join(kept), True
        start = _COMMENT.search(line)
        hides = start and (closes_later or "-->" in line[start.end() :] or not start.start())
        if not start or not hides:
            return "".join(kept) + line, False
        kept.append(line[: start.start()])
        line, in_comment = line[start.end() :], True


def drop_empty_sections(kept: list[Line]) -> list[Line]:
    """Return the lines without headings that only blanks, "No response" and the like follow."""
    result: list[Line] = []
    section_is_empty = True
    for kind, line in reversed(kept):
        is_text = kind != "prose" or line.strip(_ANSWER_MARKUP).lower() not in _NO_ANSWER
        section_is_empty = section_is_empty and (kind == "heading" or not is_text)
        if not section_is_empty or not line.strip():
            result.append((kind, line))
        section_is_empty = section_is_empty or kind == "heading"
    return result[::-1]


def _fold(kept: list[Line]) -> Iterator[str]:
    for is_code, block in itertools.groupby(kept, lambda line: line[0] == "code"):
        fold = _fold_code if is_code else _fold_runs
        yield from fold([line for _, line in block])


def _fold_code(block: list[str]) -> list[str]:
    folded = _fold_runs([_shorten(line, _MAX_CODE_LINE) for line in block])
    if len(folded) > _MAX_CODE_LINES:
        folded = _cut_middle(folded, _CODE_HEAD_LINES, _CODE_TAIL_LINES, "lines")
    if sum(map(len, folded)) <= _MAX_CODE_CHARS:
        return folded
    head = _count_fitting(folded, _MAX_CODE_CHARS * _HEAD_SHARE)
    tail = _count_fitting(folded[:head:-1], _MAX_CODE_CHARS * (1 - _HEAD_SHARE))
    return _cut_middle(folded, head, tail, "lines")


def _count_fitting(block: list[str], chars: float) -> int:
    """Return how many leading lines fit into so many characters; at least one."""
    sizes = itertools.accumulate(map(len, block))
    return max(1, sum(size <= chars for size in sizes))


def _fold_runs(block: list[str]) -> list[str]:
    """Return the lines without the middle of each run of similar lines.

    Similar are stack frames, and lines that differ only in numbers.
    """
    result: list[str] = []
    for shape, run in itertools.groupby(block, _normalize_line):
        ends = _cut_middle(list(run), _RUN_HEAD, _RUN_TAIL, "similar lines")
        result.extend(ends if shape else [""])
    return result


def _normalize_line(line: str) -> str:
    return "frame" if _STACK_FRAME.match(line) else _VARYING.sub("0", line[:_SHAPE_CHARS]).strip()


def _shorten(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    mark = f" [… {len(text) - max_chars} characters cut] "
    kept = max(0, max_chars - len(mark))
    head = int(kept * _HEAD_SHARE)
    return (text[:head] + mark + text[len(text) - kept + head :])[:max_chars]
