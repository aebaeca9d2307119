"""Reads `.env`. Nothing in it is expanded, and a line that cannot be read is a problem."""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import Binding, parse_stream

MAX_LINES = 5  # that a problem names
PASSED_THROUGH = re.compile(r"[A-Za-z_]\w*")  # `NAME` alone, as `docker run --env-file` allows it


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The variables of a file; of those that are `repeated` the last value counts.

    `problems` name the file and its lines, never a value.
    """

    values: dict[str, str] = field(default_factory=dict, repr=False)
    problems: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


def read(path: Path) -> EnvFile:
    """Return the content of a file; nothing without the file or its folder, or for a folder."""
    where = path.absolute()
    if path.is_dir():  # a common name of virtual environments
        return EnvFile()
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return EnvFile()
    except OSError as error:
        return EnvFile(
            problems=(f"{where} cannot be read ({error.strerror}): correct its permissions.",)
        )
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        return EnvFile(problems=(f"{where} is UTF-16 or no text file: save it as UTF-8.",))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return EnvFile(problems=(f"{where}, line {line}, is not UTF-8: save the file as UTF-8.",))
    bindings = [*parse_stream(io.StringIO(text, newline=""))]
    values = {one.key: one.value for one in bindings if one.key and one.value is not None}
    counts = Counter(one.key for one in bindings if one.key and one.value is not None)
    repeated = tuple(name for name, count in counts.items() if count > 1)
    lines = [*_find_unreadable_lines(bindings)]
    return EnvFile(values, (_describe(where, lines),) if lines else (), repeated)


def _find_unreadable_lines(bindings: list[Binding]) -> Iterator[int]:
    """Yield the lines without a readable NAME=value, but not the further lines of a PEM text.

    The setting with the first line of that text is a problem itself.
    """
    in_pem = False
    for one in bindings:
        if one.key and one.value is not None:
            in_pem = "-----BEGIN" in one.value and "-----END" not in one.value
        is_alone = one.value is None and bool(one.key) and PASSED_THROUGH.fullmatch(one.key or "")
        is_comment = one.key is None and not one.error
        if one.value is None and not (is_comment or is_alone or in_pem):
            text = one.original.string
            blank = text[: len(text) - len(text.lstrip())]
            yield one.original.line + len(blank.splitlines())


def _describe(where: Path, lines: list[int]) -> str:
    numbers = ", ".join(map(str, lines[:MAX_LINES]))
    more = f" and {len(lines) - MAX_LINES} more" if len(lines) > MAX_LINES else ""
    which = f"lines {numbers}{more}, are" if len(lines) > 1 else f"line {numbers}, is"
    return (
        f"{where}, {which} not NAME=value with matching quotes: correct that, and put a value of"
        " several lines in double quotes."
    )
