"""`tagline duplicates`: how often Tagline finds the duplicates of reports that are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot.cli import progress
from bot.cli.options import json_option

if TYPE_CHECKING:
    from bot.cli.duplicates_replay import DuplicatesReplay
    from bot.cli.reports_file import Pair, Report

FILE = click.Path(exists=True, dir_okay=False)


@click.command()
@click.option("--file", required=True, type=FILE, help="Reports as JSON lines, also .gz.")
@click.option("--pairs", required=True, type=FILE, help="Pairs of reports as JSON lines, also .gz.")
@json_option
def duplicates(file: str, pairs: str, as_json: bool) -> None:
    """Look up reports whose duplicates are known, and compare; no host or model is called.

    Each report has id, title, body, and may have created_at and group: reports of a group are about
    the same thing. Each pair has the ids a and b, and may have duplicate: false for reports that
    are about different things.

    The report a of each pair is looked up among the older reports; among all others where not every
    report has created_at. Candidates are all of these, or what searches by the rules of GitHub and
    GitLab find in them, at most 100.
    """
    from bot.cli.duplicates_replay import DuplicatesReplay
    from bot.cli.reports_file import read_pairs, read_reports

    reports = read_reports(file)
    known = read_pairs(pairs, reports)
    replay = DuplicatesReplay(reports, known)
    result = {"v": 1, **_build_counts(reports, known), "ways": _run(replay)}
    _print(result, is_timed=replay.is_timed, as_json=as_json)


def _run(replay: DuplicatesReplay) -> list[dict[str, Any]]:
    """Return the figures of each way. Raises `ClickException` if no report can be looked up."""
    from bot.cli.duplicates_replay import WAYS
    from bot.cli.duplicates_report import NAMES, build_way

    ways = []
    for way in WAYS:
        lookups = list(replay.run(way, progress.make(NAMES[way])))
        if not any(lookup.same for lookup in lookups):
            raise click.ClickException(
                "No report a of a pair has an older duplicate: a is the later report of the two."
            )
        ways.append(build_way(way, lookups))
    progress.clear()
    return ways


def _build_counts(reports: Sequence[Report], pairs: Sequence[Pair]) -> dict[str, int]:
    duplicate = sum(pair.is_duplicate for pair in pairs)
    return {"reports": len(reports), "pairs": duplicate, "different": len(pairs) - duplicate}


def _print(result: dict[str, Any], *, is_timed: bool, as_json: bool) -> None:
    from bot.cli.duplicates_report import format_ways
    from bot.learn.similarity import SHOWN_AT

    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    ranked = "the older reports" if is_timed else "all other reports, as not all have created_at"
    click.echo(
        f"{result['reports']:,} reports, {result['pairs']:,} pairs of duplicates,"
        f" {result['different']:,} of different reports; looked up among {ranked}\n"
    )
    click.echo("\n".join(format_ways(result["ways"])))
    click.echo(
        f"\n  Shown: at most 3, from a score of {SHOWN_AT:.3f}. In brackets: 95 % intervals."
    )
