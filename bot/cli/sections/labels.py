"""How often labels were applied, and what people did with them."""

from __future__ import annotations

import time
from collections import Counter

from bot.cli.sections.section import Repository, Row, Section
from bot.core.corrections import LabelCount, count_labels
from bot.core.labels.names import fold
from bot.core.text.numbers import format_share
from bot.core.text.sources import format_source

APPLIED_SECONDS = 30 * 86_400
COLUMNS = ("applied", "kept", "removed", "added", "approved", "dismissed")


def show_labels(repository: Repository) -> Section:
    """Return how often each label was applied, and what people did with it, per source."""
    counts = {
        (fold(one.label), one.source): one
        for one in count_labels(repository.store.corrections.list(repository.ref.repo_key))
    }
    applied, names = _count_applied(repository)
    demoted = {fold(one.label) for one in repository.find_demotions("removed")}
    withheld = {fold(one.label) for one in repository.find_demotions("dismissed")}
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
                "approved": count.approved,
                "dismissed": count.dismissed,
                "kept_share": count.kept_share,
                "only_suggested": key in demoted,
                "withheld": key in withheld,
            }
        )
    return Section(
        "labels",
        "Labels: applied by Tagline in the last 30 days; kept, removed and added by people;"
        " suggestions that they approved and dismissed",
        rows,
        ("label", "source", *COLUMNS, "right of judged", ""),
        _format_label,
        "None yet: Tagline has applied no label, or Redis has lost its data.",
    )


def _count_applied(
    repository: Repository,
) -> tuple[Counter[tuple[str, str]], dict[str, str]]:
    """Return how often each label was applied, by label and source, and the labels' names.

    The journal of an issue to which the bot wrote again is older than `APPLIED_SECONDS`.
    """
    since = time.time() - APPLIED_SECONDS
    applied: Counter[tuple[str, str]] = Counter()
    names: dict[str, str] = {}
    for _, writes in repository.store.journal.list_repository(repository.ref.repo_key):
        for write in writes:
            if write.has_set_label and write.at >= since:
                applied[fold(write.label), write.source] += 1
                names[fold(write.label)] = write.label
    return applied, names


def _format_label(row: Row) -> tuple[str, ...]:
    counts = (str(row[name]) for name in COLUMNS)
    notes = {"only suggested": row["only_suggested"], "not suggested": row["withheld"]}
    note = ", ".join(name for name, holds in notes.items() if holds)
    share = format_share(row["kept_share"])
    return row["label"], format_source(row["source"]), *counts, share, note
