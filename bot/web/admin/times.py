"""How the admin page writes times, days and seconds."""

from __future__ import annotations

from datetime import UTC, datetime


def format_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def format_day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def format_seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:g} s"
