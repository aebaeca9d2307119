"""Removes the text of templates: headings, fields and lines that several issues have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

MAX_READ = 1_500  # characters of a body
_MIN_ISSUES = 3
_MIN_SHARE = 0.02
_MIN_LINE = 12  # characters of a whole line
_MAX_LINE = 300
_HEADING_OR_FIELD = re.compile(
    r"[ \t]{0,3}#{1,6}[ \t]+(.{1,80}?)[\s:#]*$"
    r"|[\s*_+-]{0,8}([A-Za-z][\w /()'-]{1,40}?)[*_]{0,3}\s?:"
)

Line = tuple[str, str]  # with the key by which lines of a template are known, "" for none


def strip_templates(bodies: Iterable[str], size: int) -> list[str]:
    """Return at least `size` characters of each body, if it has them, without lines of templates.

    A field loses its name and its value: where a form has it, the value is one of few.
    """
    parsed = [_parse(body) for body in bodies]
    counts: Counter[str] = Counter()
    for lines in parsed:
        counts.update({key for key, _ in lines if key})
    least = max(_MIN_ISSUES, _MIN_SHARE * len(parsed))
    template = {key for key, count in counts.items() if count >= least}
    return [_join(lines, template, size) for lines in parsed]


def _parse(body: str) -> list[Line]:
    return [(_find_key(line), line) for line in _drop_comments(body[:MAX_READ]).splitlines()]


def _find_key(line: str) -> str:
    """Return the heading, the name of a field or else the whole line, in lower case."""
    if (":" in line or "#" in line) and (match := _HEADING_OR_FIELD.match(line)):
        return (match[1] or match[2]).lower()
    return line[:_MAX_LINE].strip().lower() if len(line) >= _MIN_LINE else ""


def _join(lines: Sequence[Line], template: Iterable[str], size: int) -> str:
    kept = []
    for key, line in lines:
        if key not in template:
            kept.append(line)
            size -= len(line) + 1
            if size <= 0:
                break
    return "\n".join(kept)


def _drop_comments(text: str) -> str:
    """Return the text without comments of HTML, which forms have as hints."""
    kept, start = [], 0
    while (begin := text.find("<!--", start)) >= 0 and (end := text.find("-->", begin)) >= 0:
        kept.append(text[start:begin])
        start = end + 3
    return "".join([*kept, text[start:]])
