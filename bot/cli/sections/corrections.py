"""What people corrected, and the labels that are only suggested since, or not suggested."""

from __future__ import annotations

from bot.cli.sections.section import Repository, Row, Section
from bot.cli.terminal import format_time
from bot.core.corrections import select_latest
from bot.core.demotions import ADDITIONS_TO_RECOVER, Refusal
from bot.core.text.sources import format_source

LATEST = 20


def show_demotions(repository: Repository) -> Section:
    """Return the labels that are only suggested, and because of which issues."""
    return Section(
        "demotions",
        "Only suggested: labels that people removed three times in a row",
        _list_demotions(repository, "removed"),
        ("label", "since", "removed from", "set again"),
        _format_demotion,
        "None.",
        f"A label is applied again when people have set it {ADDITIONS_TO_RECOVER} times where it"
        " was suggested, when tagline.yml changes, or after"
        f" `tagline resume {repository.name} LABEL`.",
    )


def show_withheld(repository: Repository) -> Section:
    """Return the labels that are not suggested any more, and because of which issues."""
    return Section(
        "withheld",
        "Not suggested: labels whose suggestions people dismissed three times in a row",
        _list_demotions(repository, "dismissed"),
        ("label", "since", "dismissed on", "set since"),
        _format_demotion,
        "None.",
        f"A label is suggested again when people have set it {ADDITIONS_TO_RECOVER} times, when"
        f" tagline.yml changes, or after `tagline resume {repository.name} LABEL`.",
    )


def _list_demotions(repository: Repository, refusal: Refusal) -> list[Row]:
    return [
        {
            "label": one.label,
            "since": one.since,
            "issues": one.issues,
            "additions": one.additions,
            "additions_needed": ADDITIONS_TO_RECOVER,
        }
        for one in repository.find_demotions(refusal)
    ]


def _format_demotion(row: Row) -> tuple[str, ...]:
    issues = ", ".join(f"#{number}" for number in row["issues"])
    again = f"{row['additions']} of {row['additions_needed']} times"
    return row["label"], format_time(row["since"]), issues, again


def show_corrections(repository: Repository) -> Section:
    """Return the latest corrections, the newest first."""
    found = select_latest(repository.store.corrections.list(repository.ref.repo_key))
    rows = [
        {
            "at": one.at,
            "issue": one.number,
            "label": one.label,
            "verdict": one.verdict,
            "source": one.source,
            "certainty": one.certainty,
        }
        for one in reversed(found[-LATEST:])
    ]
    return Section(
        "corrections",
        f"Corrections: the last {LATEST}",
        rows,
        ("at", "issue", "label", "verdict", "chosen by"),
        _format_correction,
        "None yet.",
    )


def _format_correction(row: Row) -> tuple[str, ...]:
    issue = f"#{row['issue']}" if row["issue"] else "-"
    source = format_source(row["source"]) if row["source"] else "-"
    by = f"{source}, {row['certainty']}" if row["certainty"] else source
    if not row["label"]:
        return (
            format_time(row["at"]),
            issue,
            "all labels",
            "resumed, or tagline.yml was changed",
            by,
        )
    return format_time(row["at"]), issue, row["label"], row["verdict"], by
