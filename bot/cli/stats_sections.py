"""The sections of `tagline stats`: a function for each, in the order of `SECTIONS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.cli.bootstrap import format_time
from bot.core.corrections import (
    ADDITIONS_TO_RECOVER,
    Demotion,
    LabelCount,
    count_labels,
    find_demotions,
    select_latest,
)
from bot.core.labels.names import fold
from bot.core.types import IssueRef
from bot.flow.load_config import ConfigInForce
from bot.store.redis import RedisStore

Row = Mapping[str, Any]
LATEST = 20
SOURCES = {"": "people", "model": "model", "classifier": "history", "rules": "rules"}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, its configuration and what Redis has of it."""

    ref: IssueRef
    store: RedisStore
    in_force: ConfigInForce

    @property
    def name(self) -> str:
        return f"{self.ref.forge}:{self.ref.repo}"

    def find_demotions(self) -> tuple[Demotion, ...]:
        if not self.in_force.learns_from_corrections:
            return ()
        return find_demotions(self.store.corrections.list(self.ref.repo_key), self.in_force.digest)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report. `rows` are its JSON, under `name`; `format` returns a row's cells.

    `empty` is shown in place of a table without rows, `note` below one with rows.
    """

    name: str
    title: str
    rows: Sequence[Row]
    columns: tuple[str, ...]
    format: Callable[[Row], tuple[str, ...]]
    empty: str
    note: str = ""


def show_labels(repository: Repository) -> Section:
    """Return how often each label was applied, and what people did with it, per source."""
    counts = {
        (fold(one.label), one.source): one
        for one in count_labels(repository.store.corrections.list(repository.ref.repo_key))
    }
    applied, names = _count_applied(repository)
    demoted = {fold(one.label) for one in repository.find_demotions()}
    rows = []
    for key, source in sorted({*counts, *applied}):
        count = counts.get((key, source)) or LabelCount(names[key], source)
        rows.append(
            {
                "label": count.label,
                "source": source,
                "applied": applied[key, source],
                "kept": count.kept,
                "removed": count.removed,
                "added": count.added,
                "kept_share": count.kept_share,
                "only_suggested": key in demoted,
            }
        )
    return Section(
        "labels",
        "Labels: applied by Tagline in the last 30 days; kept, removed and added by people",
        rows,
        ("label", "source", "applied", "kept", "removed", "added", "kept of judged", ""),
        _format_label,
        "None yet: Tagline has applied no label, or Redis has lost its data.",
    )


def _count_applied(
    repository: Repository,
) -> tuple[Counter[tuple[str, str]], dict[str, str]]:
    """Return how often each label was applied, by label and source, and the labels' names."""
    applied: Counter[tuple[str, str]] = Counter()
    names: dict[str, str] = {}
    for _, writes in repository.store.journal.list_repository(repository.ref.repo_key):
        for write in writes:
            if write.kind == "add-label" and write.state == "done":
                applied[fold(write.label), write.source] += 1
                names[fold(write.label)] = write.label
    return applied, names


def _format_label(row: Row) -> tuple[str, ...]:
    counts = (str(row[name]) for name in ("applied", "kept", "removed", "added"))
    share = "-" if row["kept_share"] is None else f"{row['kept_share']:.0%}"
    note = "only suggested" if row["only_suggested"] else ""
    return row["label"], SOURCES[row["source"]], *counts, share, note


def show_demotions(repository: Repository) -> Section:
    """Return the labels that are only suggested, and because of which issues."""
    rows = [
        {
            "label": one.label,
            "since": one.since,
            "issues": one.issues,
            "additions": one.additions,
            "additions_needed": ADDITIONS_TO_RECOVER,
        }
        for one in repository.find_demotions()
    ]
    return Section(
        "demotions",
        "Only suggested: labels that people removed three times in a row",
        rows,
        ("label", "since", "removed from", "set again"),
        _format_demotion,
        "None.",
        f"A label is applied again when people have set it {ADDITIONS_TO_RECOVER} times where it"
        " was suggested, when tagline.yml changes, or after"
        f" `tagline resume {repository.name} LABEL`.",
    )


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
    source = SOURCES[row["source"]] if row["source"] else "-"
    by = f"{source}, {row['certainty']}" if row["certainty"] else source
    return format_time(row["at"]), issue, row["label"] or "all labels", row["verdict"], by


SECTIONS: tuple[Callable[[Repository], Section], ...] = (
    show_labels,
    show_demotions,
    show_corrections,
)
