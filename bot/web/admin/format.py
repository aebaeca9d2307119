"""How the admin page writes times, money and names; it does not load the command line for that."""

from __future__ import annotations

from datetime import UTC, datetime

SOURCES = {"model": "model", "classifier": "history", "rules": "rules"}
PEOPLE = "people"


def format_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def format_day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def format_seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:g} s"


def format_source(source: str) -> str:
    return SOURCES.get(source, source or PEOPLE)
