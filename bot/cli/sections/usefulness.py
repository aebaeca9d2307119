"""Whether Tagline is worth keeping: issues answered, labels kept, cost, time."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cli.sections.section import Repository, Row, Section
from bot.cli.terminal import format_time
from bot.core.text.numbers import format_count, format_share, format_usd
from bot.core.text.sources import LABELLERS, format_source
from bot.core.usefulness import Usefulness

COLUMNS = ("figure", "value", "detail")
NOTE = (
    "Issues are those with a record in Redis (30 days or more), labels those of the last 30 days,"
    " seconds and cost those of the last 7 days. Reactions to comments and hidden comments are not"
    " counted: that would need a request for each issue. A deleted comment is noticed when Tagline"
    " comes back to the issue."
)


def describe_figures(figures: Usefulness) -> Row:
    """Return the figures as JSON."""
    cost = figures.cost
    return {
        "answered": figures.issues,
        **{f"by_{name}": figures.answered.get(name, 0) for name in LABELLERS},
        "silent": figures.silent,
        "silence_rate": figures.silence_rate,
        "comments_deleted": figures.deleted,
        "undone": figures.undone,
        "applied": figures.applied,
        "kept": figures.kept,
        "removed": figures.removed,
        "added": figures.added,
        "kept_share": figures.kept_share,
        "approved": figures.approved,
        "dismissed": figures.dismissed,
        "seconds_p50": figures.find_seconds(0.5),
        "seconds_p95": figures.find_seconds(0.95),
        "usd": cost.usd,
        "usd_per_issue": figures.usd_per_issue,
        "calls_of_unknown_price": cost.unknown,
    }


def show_usefulness(repository: Repository) -> Section:
    """Return what Tagline did, and what people made of it."""
    return show_figures(repository.figures, "What Tagline did here, and what people made of it")


def show_figures(figures: Usefulness, title: str) -> Section:
    """Return a line for each figure."""
    has_any = figures.issues or figures.judged or figures.days
    rows = [dict(zip(COLUMNS, line, strict=True)) for line in _list_lines(figures)]
    return Section(
        "usefulness",
        title,
        rows if has_any else [],
        ("figure", "", ""),
        lambda row: tuple(row[name] for name in COLUMNS),
        "Nothing yet: no issue was answered, or Redis has lost its data.",
        NOTE,
    )


def _list_lines(figures: Usefulness) -> Iterator[tuple[str, str, str]]:
    by = (f"{number} by {format_source(x)}" for x, number in sorted(figures.answered.items()))
    labels = f"{figures.kept} kept, {figures.removed} removed, {figures.added} added by people"
    suggested = f"{figures.approved} approved, {figures.dismissed} dismissed"
    half, most = figures.find_seconds(0.5), figures.find_seconds(0.95)
    cost = figures.cost
    unknown = f", and {_format_unknown(cost.unknown)}" if cost.unknown else ""
    per_issue = format_usd(figures.usd_per_issue) if cost.issues else "-"
    yield "issues answered", str(figures.issues), ", ".join(by)
    yield "without a comment", str(figures.silent), format_share(figures.silence_rate)
    yield "comments deleted", str(figures.deleted), "by people"
    yield "answers undone", str(figures.undone), ""
    yield "labels set", str(figures.applied), f"within 7 days {labels}"
    yield "suggestions decided", str(figures.approved + figures.dismissed), suggested
    yield "seconds of an answer", _format_seconds(half), f"95 % within {_format_seconds(most)}"
    yield "cost", format_usd(cost.usd), f"{per_issue} per issue{unknown}"


def _format_unknown(calls: int) -> str:
    return f"{format_count(calls, 'call')} without a known price"


def _format_seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f} s"


def show_costs(repository: Repository) -> Section:
    """Return the cost of each day, and what is left of today's budgets."""
    days = repository.figures.days
    rows = [
        {"day": day, "usd": cost.usd, "issues": cost.issues, "unknown": cost.unknown}
        for day, cost in sorted(days.items(), key=lambda one: one[0], reverse=True)
    ]
    left = repository.find_budget_left()
    return Section(
        "costs",
        f"Cost per day (UTC); left of today's budget: {format_usd(left)}",
        rows,
        ("day", "cost", "issues", ""),
        _format_cost,
        "No call of a model in the last 7 days.",
    )


def _format_cost(row: Row) -> tuple[str, ...]:
    unknown = _format_unknown(row["unknown"]) if row["unknown"] else ""
    return format_time(row["day"])[:10], format_usd(row["usd"]), str(row["issues"]), unknown


def show_limit(repository: Repository) -> Section:
    """Return why labels are only suggested though the configuration applies them, if they are."""
    limit = repository.find_limit()
    rows = [{"since": limit.since, "kept": limit.kept, "judged": limit.judged}] if limit else []
    return Section(
        "mode_limit",
        "Mode: `suggest` by itself, where people kept too few of the last labels",
        rows,
        ("since", "kept", "of the last"),
        lambda row: (format_time(row["since"]), str(row["kept"]), str(row["judged"])),
        "No: labels are applied as the configuration says.",
        f"Labels are applied again after `tagline resume {repository.name}`, or when tagline.yml"
        " changes.",
    )
