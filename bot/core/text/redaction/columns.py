"""Replaces the cells below a column name such as "password", in tables of several notations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from bot.core.text.redaction.harmless import is_no_cell
from bot.core.text.redaction.named import COLUMN_NAMES
from bot.core.text.redaction.row import compile_once

_MAX_COLUMNS = 60
_MAX_CELL = 400
_SEPARATORS = "|\t;,"
_RULE = re.compile(r"[\s|+:=-]+")
_MARKUP = " \t\r\"'`*_"
_HTML_TABLE = re.compile(r"(?i)<table\b")
_HTML_ROW = re.compile(r"(?i)<tr\b")
_HTML_CELL = re.compile(r"(?i)<t[hd](?:\s[^<>]{0,300})?>\s*([^<>]{0,400}+)")

Names = Mapping[int, str]  # the number of a column → the type of its secrets


def redact_columns(text: str) -> str:
    """Return the text with `[redacted:type]` in the cells below a secret's name.

    Tables are those of Markdown, of database clients, of CSV (tabs, semicolons, commas) and HTML. A
    text without any of `COLUMN_LITERALS` has no such name.
    """
    if _HTML_TABLE.search(text):
        text = _redact_html(text)
    return "\n".join(_redact_lines(text.split("\n")))


def _redact_lines(lines: list[str]) -> Iterator[str]:
    separator, columns, width = _read_header("")
    for line in lines:
        if separator and _RULE.fullmatch(line) and line.strip():
            yield line
            continue
        cells = line.split(separator, _MAX_COLUMNS) if separator else []
        if separator and len(cells) == width:
            yield separator.join(_redact_cell(cell, columns.get(n)) for n, cell in enumerate(cells))
            continue
        separator, columns, width = _read_header(line)
        yield line


def _read_header(line: str) -> tuple[str, Names, int]:
    """Return the separator, the columns of secrets and the number of columns, or "" and none."""
    for separator in _SEPARATORS:
        if separator in line:
            cells = line.split(separator, _MAX_COLUMNS)
            columns = _find_columns(cells)
            is_plain = separator != "," or all(len(cell) <= _MAX_CELL // 10 for cell in cells)
            if columns and is_plain:
                return separator, columns, len(cells)
    return "", {}, 0


def _find_columns(cells: list[str]) -> Names:
    headings = {
        number: heading
        for number, cell in enumerate(cells)
        if len(cell) <= _MAX_CELL and (heading := cell.strip(_MARKUP))
    }
    return {
        number: name
        for name, pattern in COLUMN_NAMES
        for number, heading in headings.items()
        if compile_once(pattern).fullmatch(heading)
    }


def _redact_cell(cell: str, name: str | None) -> str:
    value = cell.strip(_MARKUP)
    if name is None or not value or is_no_cell(value, is_token=name == "token"):
        return cell
    return cell.replace(value, f"[redacted:{name}]", 1)


def _redact_html(text: str) -> str:
    """Return the text with the secrets in the tables' cells replaced, row by row."""
    rows = [match.start() for match in _HTML_ROW.finditer(text)]
    parts = [text[: rows[0]]] if rows else [text]
    columns: Names = {}
    for start, end in zip(rows, [*rows[1:], len(text)], strict=False):
        row = text[start:end]
        found = _find_columns(_HTML_CELL.findall(row))
        columns = found or columns
        parts.append(row if found else _HTML_CELL.sub(_make_replacer(columns), row))
        if "</table" in row.lower():
            columns = {}
    return "".join(parts)


def _make_replacer(columns: Names) -> Callable[[re.Match[str]], str]:
    """Return a function that replaces the cells of a row one after another."""
    numbers = iter(range(1_000_000))

    def replace(match: re.Match[str]) -> str:
        cell = match[1]
        return match[0][: len(match[0]) - len(cell)] + _redact_cell(
            cell, columns.get(next(numbers))
        )

    return replace
