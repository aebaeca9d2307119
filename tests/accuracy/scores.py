"""Scores labels against people's, with intervals of 95 %, as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from bot.core.labels.keywords import TYPES, TypeWeights, choose_type, score_cues
from bot.learn.evaluation import Figure, Share, estimate_share
from tests.accuracy.datasets import TypedIssue
from tests.accuracy.measures import estimate, estimate_mean


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
        yield f"| {repository} | {len(group)} | {_show(estimate(group, macro_f1))} |"
    figure = _show(estimate_mean(list(groups.values()), macro_f1))
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
        figure = _show(estimate_share(applied, precision))
        recall = sum(one.is_right for one in applied) / len(real)
        yield f"| {concept} | {len(real)} | {len(applied)} | {figure} | {recall:.2f} |"


def macro_f1(labelled: Sequence[Labelled]) -> float:
    """Return the mean of the F1 scores of the types that the issues have."""
    scores = []
    for concept in {one.issue.concept for one in labelled}:
        hits = sum(one.is_right for one in labelled if one.concept == concept)
        named = sum((one.issue.concept == concept) + (one.concept == concept) for one in labelled)
        scores.append(2 * hits / named)
    return mean(scores)


def precision(labelled: Sequence[Labelled]) -> Share:
    """Return how many of the applied labels are right."""
    right = [one.is_right for one in labelled if one.is_applied]
    return Share(sum(right), len(right))


def coverage(labelled: Sequence[Labelled]) -> Share:
    """Return how many issues get a label."""
    return Share(sum(one.is_applied for one in labelled), len(labelled))


def _group(labelled: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    groups: dict[str, list[Labelled]] = {}
    for one in labelled:
        groups.setdefault(one.issue.repository, []).append(one)
    return dict(sorted(groups.items()))


def _show_natural(name: str, group: Sequence[Labelled]) -> str:
    shares = (_show(estimate_share(group, count)) for count in (precision, coverage))
    return f"| {name} | {len(group)} | {' | '.join(shares)} |"


def _show(figure: Figure | None) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})" if figure else "-"
