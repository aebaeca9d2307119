"""A line for each repository, and totals."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cli.sections.section import Repository, Row, Section
from bot.cli.sections.usefulness import describe_figures
from bot.core.text.numbers import format_share, format_usd
from bot.core.text.sources import LABELLERS
from bot.core.usefulness import Usefulness, add_up

ADVICE = {
    "keep": "worth keeping",
    "suggest": "better `suggest`",
    "off": "better `off`",
    "early": "too early to say",
}


def sum_figures(repositories: Sequence[Repository]) -> Usefulness:
    return add_up([one.figures for one in repositories])


def show_overview(repositories: Sequence[Repository]) -> Section:
    """Return a line for each repository."""
    rows = [
        {
            "repository": one.name,
            **describe_figures(one.figures),
            "mode": one.in_force.config.mode,
            "limited": one.find_limit() is not None,
            "advice": one.find_verdict().advice,
        }
        for one in repositories
    ]
    return Section(
        "repositories",
        "Repositories: issues answered, labels kept of those that people judged, and cost",
        rows,
        ("repository", "answered", "model", "history", "rules", "kept", "cost", "mode", ""),
        format_row,
        "None yet: no delivery has come, or Redis has lost its data.",
        "`tagline stats REPO` shows one of them.",
    )


def format_row(row: Row) -> tuple[str, ...]:
    kept = f"{format_share(row['kept_share'])} of {row['kept'] + row['removed']}"
    mode = "suggest, by itself" if row["limited"] else row["mode"]
    by = (str(row[f"by_{source}"]) for source in LABELLERS)
    cells = row["repository"], str(row["answered"]), *by
    return *cells, kept, format_usd(row["usd"]), mode, ADVICE[row["advice"]]
