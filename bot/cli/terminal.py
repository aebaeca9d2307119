"""Texts, tables and times for a terminal."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
import time
import unicodedata
from collections.abc import Iterator, Sequence

from bot.core.text.sanitize import ELLIPSIS, to_one_line


def wrap(text: str, indent: str) -> list[str]:
    """Return indented lines that fit the terminal; one line where the output is no terminal.

    Without an indent the lines after the first are indented by two blanks.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def pad(text: str, width: int) -> str:
    """Return a text filled with blanks; a terminal shows East Asian characters two columns wide."""
    return text + " " * (width - measure_width(text))


def measure_width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(1 + (unicodedata.east_asian_width(x) in "WF") for x in text)


def format_time(seconds: float) -> str:
    """Return a date and time in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))


def format_wait(seconds: float | None) -> str:
    """Return a time to wait in words, rounded up."""
    minutes = math.ceil((seconds or 0) / 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes"


def cut(text: str, size: int) -> str:
    """Return a text as one line of at most so many characters."""
    line = to_one_line(text)
    return line if len(line) <= size else f"{line[: size - 1]}{ELLIPSIS}"


def format_table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table. What a terminal would obey is shown as a question mark."""
    widths = [max(map(measure_width, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        line = "  ".join(pad(cell, width) for cell, width in zip(cells, widths, strict=True))
        yield "".join(x if x.isprintable() else "?" for x in line.rstrip())
