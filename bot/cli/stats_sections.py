"""The sections of `tagline stats`: a function for each, in the order of `SECTIONS`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.cli.bootstrap import LABEL_SOURCES, format_time
from bot.core.corrections import (
    ADDITIONS_TO_RECOVER,
    Demotion,
    LabelCount,
    count_labels,
    find_demotions,
    select_latest,
)
from bot.core.labels.names import fold
from bot.core.text.percent import format_share
from bot.core.training import TrainingState
from bot.core.types import IssueRef
from bot.flow.load_config import ConfigInForce
from bot.flow.schedule_training import find_pause
from bot.learn import codec
from bot.learn.model import RepositoryModel
from bot.store.redis import RedisStore

Row = Mapping[str, Any]
LATEST = 20
APPLIED_SECONDS = 30 * 86_400
SWITCHED_OFF = "learn.from_history is false"


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
    """Return how often each label was applied, by label and source, and the labels' names.

    The journal of an issue to which the bot wrote again is older than `APPLIED_SECONDS`.
    """
    since = time.time() - APPLIED_SECONDS
    applied: Counter[tuple[str, str]] = Counter()
    names: dict[str, str] = {}
    for _, writes in repository.store.journal.list_repository(repository.ref.repo_key):
        for write in writes:
            if write.kind == "add-label" and write.state == "done" and write.at >= since:
                applied[fold(write.label), write.source] += 1
                names[fold(write.label)] = write.label
    return applied, names


def _format_label(row: Row) -> tuple[str, ...]:
    counts = (str(row[name]) for name in ("applied", "kept", "removed", "added"))
    share, note = format_share(row["kept_share"]), "only suggested" if row["only_suggested"] else ""
    return row["label"], LABEL_SOURCES[row["source"]], *counts, share, note


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
    source = LABEL_SOURCES[row["source"]] if row["source"] else "-"
    by = f"{source}, {row['certainty']}" if row["certainty"] else source
    if not row["label"]:
        return format_time(row["at"]), issue, "all labels", "resumed: tagline.yml was changed", by
    return format_time(row["at"]), issue, row["label"], row["verdict"], by


def show_training(repository: Repository) -> Section:
    """Return when the repository's classifier was trained and will be, or why it was not."""
    state = repository.store.training.training_state(repository.ref.repo_key)
    rows = [] if state is None else [_describe_training(repository, state)]
    return Section(
        "training",
        "Learned from this repository's history",
        rows,
        ("trained", "from", "next training", ""),
        _format_training,
        "Not trained yet: that begins within minutes of the first delivery that a worker processes."
        " Repositories take turns: one is trained at a time."
        if repository.in_force.config.learn.from_history
        else f"Not trained: {SWITCHED_OFF}.",
    )


def _describe_training(repository: Repository, state: TrainingState) -> Row:
    """Return the JSON; `next_at` is None where a training has begun, is due or is switched off."""
    return {
        "status": state.status,
        "trained_at": state.trained_at or None,
        "examples": state.examples,
        "read": state.read,
        "next_at": _find_next(repository, state),
        "why_not": _explain_training(repository, state),
    }


def _find_next(repository: Repository, state: TrainingState) -> float | None:
    if not repository.in_force.config.learn.from_history:
        return None
    if state.status == "waiting":
        return state.retry_at
    return state.ended_at + find_pause(state) if state.status in ("trained", "skipped") else None


def _explain_training(repository: Repository, state: TrainingState) -> str:
    """Return why the last training gave no classifier, or why it is not used; else ""."""
    if not repository.in_force.config.learn.from_history:
        return SWITCHED_OFF
    if state.status == "waiting":
        return f"waits: {state.why}"
    if state.status != "trained":
        return state.why
    gone = not repository.store.training.model_version(repository.ref.repo_key)
    return "the classifier is lost and is trained again" if gone else ""


def _format_training(row: Row) -> tuple[str, ...]:
    at = format_time(row["trained_at"]) if row["trained_at"] else "never"
    examples = f"{row['examples']} issues with labels, of {row['read']} read"
    other = "-" if row["why_not"] == SWITCHED_OFF else "due"
    following = format_time(row["next_at"]) if row["next_at"] else other
    return at, examples if row["trained_at"] else "-", following, row["why_not"]


def show_learned(repository: Repository) -> Section:
    """Return what the classifier has learned of each label, or why it says nothing about it."""
    data = repository.store.training.model(repository.ref.repo_key)
    model = codec.load(data) if data and repository.in_force.config.learn.from_history else None
    learned = sorted(model.labels, key=lambda x: (bool(x.why_silent), -x.examples)) if model else ()
    rows = [
        {
            "label": one.name,
            "examples": one.examples,
            "apply_at": one.apply_at,
            "precision": one.precision,
            "coverage": one.coverage,
            "why_not_applied": one.explain(model.target if model else 0.0),
        }
        for one in learned
    ]
    return Section(
        "learned",
        "Labels that the classifier knows, as measured on issues that were held out",
        rows,
        ("label", "issues", "applied from", "precision", "coverage", "not applied because"),
        _format_learned,
        "None.",
        "A label is applied where its probability reaches the threshold from which it was right"
        " often enough (labels.precision in tagline.yml); coverage is the share of its issues that"
        f" get it then.{_explain_target(repository, model)}",
    )


def _explain_target(repository: Repository, model: RepositoryModel | None) -> str:
    """Return a sentence where the classifier was trained for another precision, else ""."""
    wanted = repository.in_force.config.labels.precision
    if model is None or model.target == wanted:
        return ""
    return (
        f" These figures are for {format_share(model.target)}; labels.precision is"
        f" {format_share(wanted)} now, and the classifier is trained again after the next issue."
    )


def _format_learned(row: Row) -> tuple[str, ...]:
    cells = map(format_share, (row["apply_at"], row["precision"], row["coverage"]))
    return row["label"], str(row["examples"]), *cells, row["why_not_applied"]


SECTIONS: tuple[Callable[[Repository], Section], ...] = (
    show_labels,
    show_training,
    show_learned,
    show_demotions,
    show_corrections,
)
