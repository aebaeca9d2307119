"""Issues of a file with the labels that people set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from bot.cli.issue_file import make_row, read_values
from bot.core.types import Issue

Split = Literal["", "train", "test"]

_MAX_TIME = 1e15


@dataclass(frozen=True, slots=True)
class LabelledIssue:
    """An issue with its labels, and the repository and the part of the data that it belongs to."""

    issue: Issue
    repo: str = ""
    split: Split = ""


def read_labelled(file: str) -> tuple[list[LabelledIssue], int]:
    """Return the issues of a file, "-" for standard input, and how many could not be read.

    Pull requests are left out. Raises `ClickException`.
    """
    rows = [_make_labelled(place, value) for place, value in read_values(file)]
    return [row for row in rows if isinstance(row, LabelledIssue)], rows.count(None)


def _make_labelled(place: str, value: object) -> LabelledIssue | Literal["pull request"] | None:
    row = make_row(place, value)
    if row.issue is None or not isinstance(value, Mapping):
        return None
    if value.get("is_pull") or value.get("pull_request"):
        return "pull request"
    created_at = _read_time(value.get("created_at", value.get("createdAt")))
    split = value.get("split")
    return LabelledIssue(
        replace(row.issue, labels=tuple(_read_names(value)), created_at=created_at),
        str(value.get("repo") or ""),
        split if split in ("train", "test") else "",
    )


def _read_names(value: Mapping[Any, Any]) -> Sequence[str]:
    """Return the names in `label` or `labels`: strings, or objects with a name."""
    given = value.get("labels") or value.get("label")
    entries = given if isinstance(given, list) else [given]
    names = (entry.get("name") if isinstance(entry, Mapping) else entry for entry in entries)
    return [name for name in dict.fromkeys(names) if isinstance(name, str) and name]


def _read_time(value: object) -> float:
    """Return seconds since the epoch; 0 for no time, so that the order of the file holds."""
    if isinstance(value, int | float):
        return float(value) if abs(value) < _MAX_TIME else 0.0  # not NaN either: it has no order
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return 0.0
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
