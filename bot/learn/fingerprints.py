"""Finds error lines and stack frames of an issue, and the same ones in another issue's text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_READ = 24_000  # characters of a body
_MAX_LINES, _MAX_LINE = 600, 240
_MAX_ERRORS, _MAX_FRAMES = 5, 6
_MIN_PROBE, _MIN_LETTERS, _MIN_FRAME = 12, 16, 10

_ERROR = re.compile(
    r"[a-z](?:Error|Exception)\b"
    r"|\b(?:[Ee]rror|ERROR|[Ff]atal|FATAL|panic|PANIC|Uncaught|Unhandled|Caused by)\b.{0,40}?:"
    r"|\b(?:SIG[A-Z]{3,5}|[Ss]egmentation fault|[Aa]ssertion\b.{1,80}\bfailed)\b"
)
_FRAME = re.compile(
    r"\s*(?:at (?:async )?(?P<call>[\w$.<>/]{3,200}(?:::[\w$]{1,80}){0,9})\s?\("
    r"|File \"[^\"\n]{0,200}?(?P<file>[^\"/\\\n]{1,80})\", line \d+, in (?P<name>[\w<>]{1,80})"
    r"|#\d+:?\s+(?:0x[0-9a-f]+ in )?(?P<native>[\w:~]{3,200})\s?\()"
)
# What differs between two people with the same error.
_VARYING = re.compile(
    r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]*\d[0-9a-fA-F-]*\b"
    r"|(?:[A-Za-z]:)?[/\\][^\s:'\"`,;()]+"
    r"|'[^'\n]{0,80}'|\"[^\"\n]{0,80}\"|`[^`\n]{0,80}`|\d+"
)
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """An error line without what varies: numbers, addresses, paths and quoted text.

    `probe` is its longest unvarying part, to search another text for.
    """

    form: str
    probe: str

    def is_in(self, text: str) -> bool:
        """Return whether a line of the text is the same but for what varies."""
        start = text.find(self.probe)
        for _ in range(_MAX_ERRORS):
            if start < 0:
                return False
            begin = max(text.rfind("\n", 0, start) + 1, start - _MAX_LINE)
            end = text.find("\n", start)
            line = text[begin : end if end >= 0 else len(text)][:_MAX_LINE]
            if self.form in _normalize(line):
                return True
            start = text.find(self.probe, start + len(self.probe))
        return False


def find_errors(body: str) -> tuple[ErrorLine, ...]:
    """Return the first error lines of a body."""
    found: dict[str, ErrorLine] = {}
    for line in body[:_MAX_READ].splitlines()[:_MAX_LINES]:
        match = _ERROR.search(line[:_MAX_LINE])
        if match and (error := _read_error(line[:_MAX_LINE], match.start())):
            found.setdefault(error.form, error)
        if len(found) == _MAX_ERRORS:
            break
    return tuple(found.values())


def find_frames(body: str) -> tuple[str, ...]:
    """Return the functions in the first stack frames of a body."""
    frames = dict.fromkeys(_list_frames(body))
    return tuple(frames)[:_MAX_FRAMES]


def _list_frames(body: str) -> Iterator[str]:
    for line in body[:_MAX_READ].splitlines()[:_MAX_LINES]:
        if match := _FRAME.match(line[:_MAX_LINE]):
            frame = match["call"] or match["native"] or f'{match["file"]}", line'
            if len(frame) >= _MIN_FRAME:
                yield frame


def _read_error(line: str, start: int) -> ErrorLine | None:
    """Return an error line from the word that makes it one, None if little of it is unvarying."""
    words = line[:start].rsplit(None, 1)
    begin = start - len(words[-1]) if words and not line[start - 1 : start].isspace() else start
    text = line[begin:].strip()
    form = _normalize(text)
    probe = max((part.strip() for part in _VARYING.split(text)), key=len)
    letters = sum(map(len, _LETTERS.findall(form)))
    return ErrorLine(form, probe) if len(probe) >= _MIN_PROBE and letters >= _MIN_LETTERS else None


def _normalize(line: str) -> str:
    return " ".join(_VARYING.sub(" … ", line).split())
