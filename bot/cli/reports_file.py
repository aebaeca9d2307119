"""Reports and pairs of reports in files, for `tagline duplicates`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from bot.cli.issue_file import make_row, read_values
from bot.cli.labelled_file import MAX_SHOWN, read_time
from bot.core.text.numbers import format_count

_LAST_NUMBER = re.compile(r"(\d{1,18})\D*$")


@dataclass(frozen=True, slots=True)
class Report:
    """A report of a file. `time` is in seconds since the epoch, 0 if the file has none.

    `order` is the last number in its id, 0 without one. Reports of one `group` are about the same
    thing; "" is no group.
    """

    id: str
    title: str
    body: str
    group: str
    time: float
    order: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reports and whether they are about the same thing."""

    a: str
    b: str
    is_duplicate: bool


def read_reports(file: str) -> list[Report]:
    """Return the reports of a file, the oldest first. Raises `ClickException` for a bad row."""
    reports: dict[str, Report] = {}
    problems = []
    for place, value in read_values(file):
        row = make_row(place, value)
        key = _read_id(value, "id")
        if row.issue is None or not isinstance(value, Mapping):
            problems.append(f"{place}: {row.error}")
        elif not key:
            problems.append(f"{place}: it has no id")
        elif key in reports:
            problems.append(f"{place}: an earlier report has the id {key!r}")
        else:
            reports[key] = _make_report(key, row.issue.title, row.issue.body, value)
    _fail(file, problems, "reports")
    if not reports:
        raise click.ClickException(f"{file} has no reports: JSON objects with id and title.")
    return sorted(reports.values(), key=lambda report: (report.time, report.order))


def read_pairs(file: str, reports: Sequence[Report]) -> list[Pair]:
    """Return the pairs of a file. Raises `ClickException` for a bad row or an unknown report."""
    known, pairs, problems = {report.id for report in reports}, [], []
    for place, value in read_values(file):
        a, b = _read_id(value, "a"), _read_id(value, "b")
        is_duplicate = value.get("duplicate", True) if isinstance(value, Mapping) else None
        if isinstance(value, ValueError):
            problems.append(f"{place}: {value}")
        elif not a or not b:
            problems.append(f"{place}: not an object with the ids a and b")
        elif not isinstance(is_duplicate, bool):
            problems.append(f"{place}: duplicate must be true or false")
        elif unknown := [key for key in (a, b) if key not in known]:
            problems.append(f"{place}: no report has the id {unknown[0]!r}")
        elif a == b:
            problems.append(f"{place}: a and b are one report")
        else:
            pairs.append(Pair(a, b, is_duplicate))
    _fail(file, problems, "pairs")
    if not any(pair.is_duplicate for pair in pairs):
        raise click.ClickException(f"{file} has no pair of duplicates.")
    return pairs


def _make_report(key: str, title: str, body: str, value: Mapping[Any, Any]) -> Report:
    number = _LAST_NUMBER.search(key)
    time = read_time(value.get("created_at", value.get("createdAt")))
    group = _read_id(value, "group")
    return Report(key, title, body, group, time, int(number[1]) if number else 0)


def _read_id(value: object, name: str) -> str:
    found = value.get(name) if isinstance(value, Mapping) else None
    is_id = isinstance(found, str | int) and not isinstance(found, bool)
    return str(found) if is_id else ""


def _fail(file: str, problems: Sequence[str], noun: str) -> None:
    if not problems:
        return
    for problem in problems[:MAX_SHOWN]:
        click.echo(f"{file}, {problem}.", err=True)
    count = format_count(len(problems), "row")
    raise click.ClickException(f"{count} of {file} could not be read as {noun}.")
