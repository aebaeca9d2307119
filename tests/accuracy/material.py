"""Labelled issues of public repositories, from the shared material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from bot.core.labels.keywords import TypeWeights, load_weights
from bot.core.types import Label
from bot.learn.features import extract_features
from bot.learn.model import Example
from tests.accuracy.datasets import read_rows
from tests.accuracy.day_zero import fit_without, load_issues

AGENT_WRITTEN = "mitre/vulcan"  # reported apart: its texts follow a fixed style


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's labels and issues: `train` came before `test`, each the oldest first."""

    name: str
    labels: tuple[Label, ...]
    train: tuple[Example, ...]
    test: tuple[Example, ...]


@cache
def load_repositories(file: str) -> tuple[Repository, ...]:
    """Return the repositories of a file of labelled issues, without its pull requests."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(file):
        if not row.get("is_pull"):
            rows.setdefault(row["repo"], []).append(row)
    return tuple(_make_repository(name, rows[name]) for name in sorted(rows))


def _make_repository(name: str, rows: Sequence[dict[str, Any]]) -> Repository:
    parts: dict[str, list[Example]] = {"train": [], "test": []}
    rules = _fit_rules_without(name)
    for row in rows:
        parts[row["split"]].append(_make_example(row, rules))
    used = sorted({label for example in parts["train"] for label in example.labels})
    described = {
        row["name"]: row["description"] for row in read_rows("labels") if row["repo"] == name
    }
    labels = tuple(Label(label, described.get(label) or "") for label in used)
    return Repository(name, labels, tuple(parts["train"]), tuple(parts["test"]))


def _fit_rules_without(repository: str) -> TypeWeights:
    """Return the rules, whose opinion is a feature, fitted to the other repositories only.

    The bars of their certainty are those of the shipped table.
    """
    shipped = load_weights()
    if all(issue.repository != repository for issue in load_issues()):
        return shipped
    names = frozenset({repository})
    return fit_without([names])[names]._replace(bars=shipped.bars)


def _make_example(row: dict[str, Any], rules: TypeWeights) -> Example:
    labels = tuple(row["labels"]) if "labels" in row else (row["label"],)
    created = row.get("created_at")
    time = datetime.fromisoformat(f"{created[:19]}+00:00").timestamp() if created else 0.0
    return Example(extract_features(row["title"] or "", row["body"] or "", rules), labels, time)
