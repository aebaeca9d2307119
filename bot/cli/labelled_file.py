"""Issues of a file with the labels that people set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import click

from bot.cli.issue_file import Row, make_row, read_values
from bot.core.text.numbers import format_count
from bot.core.types import Issue

MAX_SHOWN = 3
Split = Literal["", "train", "test"]

_MAX_TIME = 1e15


@dataclass(frozen=True, slots=True)
class LabelledIssue:
    """An issue with its labels, and the repository and the part of the data that it belongs to."""

    issue: Issue
    repo: str = ""
    split: Split = ""


def read_labelled(file: str) -> list[LabelledIssue]:
    """Return the issues of a file, "-" for standard input, and print what cannot be read.

    Pull requests are left out. Raises `ClickException`.
    """
    issues, unreadable = [], list[Row]()
    for place, value in read_values(file):
        row = make_row(place, value)
        if row.issue is None or not isinstance(value, Mapping):
            unreadable.append(row)
        elif not (value.get("is_pull") or value.get("pull_request")):
            issues.append(_make_labelled(row.issue, value))
    for row in unreadable[:MAX_SHOWN]:
        click.echo(f"{file}, {row.place}: {row.error}", err=True)
    if unreadable:
        count = format_count(len(unreadable), "entry", "entries")
        click.echo(f"{count} of {file} could not be read as issues.", err=True)
    return issues


def _make_labelled(issue: Issue, value: Mapping[Any, Any]) -> LabelledIssue:
    created_at = read_time(value.get("created_at", value.get("createdAt")))
    split = value.get("split")
    return LabelledIssue(
        replace(issue, labels=tuple(_read_names(value)), created_at=created_at),
        str(value.get("repo") or ""),
        split if split in ("train", "test") else "",
    )


def _read_names(value: Mapping[Any, Any]) -> Sequence[str]:
    """Return the names in `label` or `labels`: strings, or objects with a name."""
    given = value.get("labels") or value.get("label")
    entries = given if isinstance(given, list) else [given]
    names = (entry.get("name") if isinstance(entry, Mapping) else entry for entry in entries)
    return [name for name in dict.fromkeys(names) if isinstance(name, str) and name]


def read_time(value: object) -> float:
    """Return seconds since the epoch; 0 for no time, so that the order of the file holds."""
    if isinstance(value, int | float):
        return float(value) if abs(value) < _MAX_TIME else 0.0  # not NaN either: it has no order
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return 0.0
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
