"""Removes the text of templates: headings, fields and lines that several issues have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

MAX_READ = 2_400  # characters of a body
_MIN_ISSUES = 3
_MIN_SHARE = 0.02
_MIN_LINE = 12  # characters of a whole line
_MAX_LINE = 300
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.{1,80}?)[\s:#]*$")
_FIELD = re.compile(r"[\s*_+-]{0,8}([A-Za-z][\w /()'-]{1,40}?)[*_]{0,3}\s?:")


def find_template(bodies: Collection[str]) -> frozenset[str]:
    """Return the keys of headings, fields and lines that several of the bodies have."""
    counts: Counter[str] = Counter()
    for body in bodies:
        counts.update({key for line in _split(body) for key in _list_keys(line)})
    least = max(_MIN_ISSUES, _MIN_SHARE * len(bodies))
    return frozenset(key for key, count in counts.items() if count >= least)


def strip_template(body: str, template: Collection[str], size: int) -> str:
    """Return at least `size` characters of the body, if it has them, without lines of a template.

    A field loses its name and its value: where a form has it, the value is one of few.
    """
    return "\n".join(_take(_strip_lines(body, template), size))


def _strip_lines(body: str, template: Collection[str]) -> Iterator[str]:
    for line in _split(body):
        if not any(key in template for key in _list_keys(line)):
            yield line


def _take(lines: Iterable[str], size: int) -> Iterator[str]:
    for line in lines:
        if size <= 0:
            return
        yield line
        size -= len(line) + 1


def _split(body: str) -> list[str]:
    return _drop_comments(body[:MAX_READ]).splitlines()


def _drop_comments(text: str) -> str:
    """Return the text without comments of HTML, which forms have as hints."""
    kept, start = [], 0
    while (begin := text.find("<!--", start)) >= 0 and (end := text.find("-->", begin)) >= 0:
        kept.append(text[start:begin])
        start = end + 3
    return "".join([*kept, text[start:]])


def _list_keys(line: str) -> Iterator[str]:
    if match := _HEADING.match(line) or _FIELD.match(line):
        yield match[1].lower()
    elif len(line) >= _MIN_LINE:
        yield line[:_MAX_LINE].strip().lower()
