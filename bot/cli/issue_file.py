"""Issues and labels in files: JSON lines, JSON arrays, and values one after the other.

The exports of `gh issue list --json` and `glab issue list --output json` are read as they are, and
so are files that are compressed by gzip or that Windows has written in UTF-16.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bot.core.types import Issue, IssueRef, Label

GZIP = b"\x1f\x8b"
SEPARATORS = re.compile(r"[\s,\]\x1e\ufeff]*")
# The first of these keys that a row has; GitHub's REST API has its own address in `url`.
NUMBER, BODY, URL = ("number", "iid"), ("body", "description"), ("html_url", "web_url", "url")


@dataclass(frozen=True, slots=True)
class Row:
    """An issue of a file, or why it cannot be read. `place` is its line and position there.

    `given` is what identifies the issue: id, number, title and url, as far as the file has them.
    """

    place: str
    issue: Issue | None = None
    error: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


def read_rows(file: str) -> list[Row]:
    """Return the issues of a file, "-" for standard input. Raises `ClickException`."""
    return [make_row(place, value) for place, value in read_values(file)]


def read_labels(path: Path) -> list[Label]:
    """Return labels: names, or objects with name and description. Raises `ClickException`."""
    values = [value for _, value in read_values(str(path))]
    if any(isinstance(value, Exception) for value in values):
        raise click.UsageError("--labels is neither JSON nor JSON lines.")
    return [_make_label(value) for value in values]


def read_values(file: str) -> Iterator[tuple[str, object]]:
    """Yield each value, also those inside of lists, with its place; an error in its stead."""
    values = list(_split(_read_text(file)))
    for line, value in values:
        if isinstance(value, list) and (value or len(values) == 1):
            for number, item in enumerate(value, 1):
                yield f"line {line}, entry {number}", item
        else:
            yield f"line {line}", value


def _read_text(file: str) -> str:
    with _explain_unreadable(file):
        with click.open_file(file, "rb") as source:
            data: bytes = source.read()
        data = gzip.decompress(data) if data.startswith(GZIP) else data
    return data.decode(json.detect_encoding(data), errors="replace")


@contextmanager
def _explain_unreadable(file: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.ClickException(f"{file} cannot be read: {reason}.") from None


def _split(text: str) -> Iterator[tuple[int, object]]:
    """Yield the JSON values of a text with their lines; after an error the next line is read."""
    decoder, position, line = json.JSONDecoder(), 0, 1
    while True:
        start = SEPARATORS.match(text, position).end()  # type: ignore[union-attr]  # "" matches
        line += text.count("\n", position, start)
        if start == len(text):
            return
        try:
            value, position = decoder.raw_decode(text, start)
        except RecursionError:
            value, position = ValueError("it is nested too deeply"), _find_line_end(text, start)
        except ValueError as error:
            reason = getattr(error, "msg", "a value is too long")
            value, position = ValueError(f"not JSON: {reason}"), _find_line_end(text, start)
        yield line, value
        line += text.count("\n", start, position)


def _find_line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def make_row(place: str, value: object) -> Row:
    from bot.forges.values import text

    if isinstance(value, ValueError):
        return Row(place, error=str(value))
    if not isinstance(value, Mapping) or not isinstance(value.get("title"), str):
        return Row(place, error="not an object with a title")
    number, url = _find(value, NUMBER, int), text(_find(value, URL, str))
    title = text(value["title"])
    issue = Issue(
        ref=IssueRef("file", "", "", number or 0),
        title=title,
        body=text(_find(value, BODY, str)),
        author="",
        is_bot=False,
        labels=(),
        is_open=True,
        locked=False,
        confidential=bool(value.get("confidential")),
        is_pull_request=False,
        created_at=0.0,
    )
    key = _find(value, ("id",), (int, str))
    given = {
        "id": text(key) if isinstance(key, str) else key,
        "number": number,
        "title": title,
        "url": url,
    }
    return Row(place, issue, given={name: x for name, x in given.items() if x not in (None, "")})


def _find(row: Mapping[Any, Any], keys: tuple[str, ...], kind: type | tuple[type, ...]) -> Any:
    """Return the first value of a kind; None where there is none."""
    values = (row.get(key) for key in keys)
    return next((x for x in values if isinstance(x, kind) and not isinstance(x, bool)), None)


def _make_label(value: object) -> Label:
    from bot.forges.values import text

    fields = value if isinstance(value, Mapping) else {"name": value}
    name, description = text(fields.get("name")), text(fields.get("description"))
    if not name:
        raise click.UsageError("--labels: each entry must be a name, or an object with a name.")
    return Label(name, description)
