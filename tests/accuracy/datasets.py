"""Labelled issues of several repositories, read from the shared material; nothing of it is kept."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from bot.core.labels.cues import Cue, find_cues, find_phrases, read_issue
from tests.shared import shared_folder

Mix = Literal["balanced", "natural"]  # equally many of each type, or as they were opened

SETS: dict[str, Mix] = {
    "type_nlbse24": "balanced",
    "type_nus": "balanced",
    "types_more": "natural",
}
CONCEPTS = {"bug": "bug", "feature": "feature-request", "question": "question"}


@dataclass(frozen=True, slots=True)
class TypedIssue:
    """An issue whose type people have set."""

    repository: str
    mix: Mix
    concept: str
    cues: frozenset[Cue]


def read_rows(name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of the shared material."""
    with gzip.open(shared_folder() / "eval" / f"{name}.jsonl.gz", "rt") as lines:
        yield from map(json.loads, lines)


def load_typed_issues() -> list[TypedIssue]:
    """Return the issues of all sets that are a bug, a feature request or a question."""
    issues = []
    for name, mix in SETS.items():
        for row in read_rows(name):
            if concept := CONCEPTS.get(row["label"]):
                issue = read_issue(row["title"], row["body"] or "")
                cues = frozenset(find_cues(issue, find_phrases(issue)))
                issues.append(TypedIssue(row["repo"], mix, concept, cues))
    return issues
