"""Scores labels against people's, with 95 % bootstrap intervals, as Markdown tables."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from bot.core.labels.keywords import TYPES, TypeWeights, choose_type, score_cues
from tests.accuracy.datasets import TypedIssue

RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """An issue with the type by the rules. `is_applied`: the bot would set the label."""

    issue: TypedIssue
    concept: str
    is_applied: bool

    @property
    def is_right(self) -> bool:
        return self.concept == self.issue.concept


def label(issue: TypedIssue, weights: TypeWeights) -> Labelled:
    """Return the issue with its type by these weights."""
    concept, certainty = choose_type(score_cues(issue.cues, weights), weights.bars, issue.cues)
    return Labelled(issue, concept, certainty != "unsure")


def list_forced(labelled: Sequence[Labelled]) -> Iterator[str]:
    """Yield macro-F1 per repository and on average; each issue gets the most probable type."""
    groups = _group(labelled)
    yield "| repository | issues | macro-F1 |"
    yield "|---|---|---|"
    for repository, group in groups.items():
        yield f"| {repository} | {len(group)} | {_show_interval(macro_f1, [group])} |"
    figure = _show_interval(macro_f1, list(groups.values()))
    yield f"| **mean** | {len(labelled)} | **{figure}** |"


def list_natural(labelled: Sequence[Labelled], apart: Sequence[Labelled]) -> Iterator[str]:
    """Yield precision and coverage of the applied labels, per repository and of all issues."""
    yield "| repository | issues | precision | coverage |"
    yield "|---|---|---|---|"
    for repository, group in _group(labelled).items():
        yield _show_natural(repository, group)
    yield _show_natural("**all**", labelled)
    for repository, group in _group(apart).items():
        yield _show_natural(f"{repository} (apart)", group)


def list_classes(labelled: Sequence[Labelled]) -> Iterator[str]:
    """Yield precision and recall of the applied labels per type."""
    yield "| type | issues | labels applied | precision | recall |"
    yield "|---|---|---|---|---|"
    for concept in TYPES:
        applied = [one for one in labelled if one.is_applied and one.concept == concept]
        real = [one for one in labelled if one.issue.concept == concept]
        figure = _show_interval(precision, [applied]) if applied else "-"
        recall = sum(one.is_right for one in applied) / len(real)
        yield f"| {concept} | {len(real)} | {len(applied)} | {figure} | {recall:.2f} |"


def macro_f1(labelled: Iterable[Labelled]) -> float:
    """Return the mean of the F1 scores of the types that the issues have."""
    rows = list(labelled)
    scores = []
    for concept in {one.issue.concept for one in rows}:
        hits = sum(one.is_right for one in rows if one.concept == concept)
        named = sum((one.issue.concept == concept) + (one.concept == concept) for one in rows)
        scores.append(2 * hits / named)
    return mean(scores)


def precision(labelled: Iterable[Labelled]) -> float:
    """Return the share of the applied labels that are right; 0 without any."""
    right = [one.is_right for one in labelled if one.is_applied]
    return sum(right) / len(right) if right else 0.0


def coverage(labelled: Iterable[Labelled]) -> float:
    """Return the share of issues that get a label."""
    return mean(one.is_applied for one in labelled)


def _group(labelled: Iterable[Labelled]) -> dict[str, list[Labelled]]:
    groups: dict[str, list[Labelled]] = {}
    for one in labelled:
        groups.setdefault(one.issue.repository, []).append(one)
    return dict(sorted(groups.items()))


def _show_natural(name: str, group: Sequence[Labelled]) -> str:
    share = _show_interval(coverage, [group])
    return f"| {name} | {len(group)} | {_show_interval(precision, [group])} | {share} |"


def _show_interval(
    figure: Callable[[Iterable[Labelled]], float], groups: Sequence[Sequence[Labelled]]
) -> str:
    """Return the mean of a figure of the groups, with its bootstrap interval."""
    draw = random.Random(0)
    samples = sorted(
        mean(figure(draw.choices(group, k=len(group))) for group in groups)
        for _ in range(RESAMPLES)
    )
    low, high = samples[int(0.025 * RESAMPLES)], samples[int(0.975 * RESAMPLES)]
    return f"{mean(map(figure, groups)):.3f} ({low:.3f}-{high:.3f})"
