"""Options that several commands have."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import click

from bot.core.setup import SetupProblem
from bot.settings import polling


class Dollars(click.FloatRange):
    """An amount of US dollars."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        dollars: float = super().convert(value, param, ctx)
        if math.isnan(dollars):  # which no cost would reach
            self.fail("must be a number of US dollars.", param, ctx)
        return dollars


def _find_start(_context: click.Context, _option: click.Parameter, day: datetime | None) -> float:
    """Return the start of a day (UTC) in seconds since the epoch, 0 without one."""
    return day.replace(tzinfo=UTC).timestamp() if day else 0.0


def _read_organisation(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Return the name of an organisation on GitHub, "" for none. Raises `BadParameter`."""
    from bot.forges.github.manifest import read_account

    try:
        return read_account(text)
    except SetupProblem as problem:
        raise click.BadParameter(str(problem)) from None


github_org_option = click.option(
    "--github-org",
    "organisation",
    default="",
    metavar="NAME",
    callback=_read_organisation,
    help="The organisation that the GitHub App belongs to.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
poll_option = click.option(
    "--poll",
    type=click.IntRange(polling.MIN_SECONDS, polling.MAX_SECONDS),
    metavar="SECONDS",
    help="Look for changed issues at this interval, without webhooks (TAGLINE_POLL_SECONDS).",
)
since_day_option = click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    callback=_find_start,
    help="Only issues opened since this day (UTC), such as 2026-01-31.",
)
