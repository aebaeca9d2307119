"""Labels on day 0: how good the rules are in a repository that they have never seen.

For each repository in turn, cues are selected, weights fitted and bars set on all others; the bars
on scores in repositories that were held out as well. So no figure is of data that was fitted,
except in the tables that say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import combinations
from typing import Any

from bot.core.labels.keywords import TYPES, WEIGHTS_FILE, TypeWeights, load_weights, score_cues
from tests.accuracy.bars import Scored, set_bars
from tests.accuracy.datasets import TypedIssue, load_typed_issues
from tests.accuracy.fitting import fit_weights
from tests.accuracy.scores import Labelled, label, list_classes, list_forced, list_natural

APART = frozenset({"mitre/vulcan"})  # its texts are written by an agent: never fitted

Names = frozenset[str]  # of repositories


def measure() -> Iterator[str]:
    """Yield the tables, line by line."""
    issues = load_issues()
    held_out = label_held_out(issues)
    shipped = [label(issue, load_weights()) for issue in issues]
    yield "## Day 0: rules in a repository that they have never seen"
    yield from _list_tables(held_out, "leave one repository out")
    yield "## The shipped table, on the issues that it was fitted to"
    yield from _list_tables(shipped, "fitted")


def write_weights() -> None:
    """Fit `keyword_weights.json` to all repositories."""
    WEIGHTS_FILE.write_text(_dump(fit_all(load_issues())))


@cache
def load_issues() -> tuple[TypedIssue, ...]:
    return tuple(load_typed_issues())


def fit_all(issues: Sequence[TypedIssue]) -> TypeWeights:
    """Return weights fitted to all repositories but those apart, bars from held-out scores."""
    names = _list_repositories(issues)
    weights = fit_without([frozenset(), *(frozenset({name}) for name in names)])
    scored = [one for name in names for one in _score(issues, name, weights[frozenset({name})])]
    return weights[frozenset()]._replace(bars=set_bars(scored))


def label_held_out(issues: Sequence[TypedIssue]) -> list[Labelled]:
    """Return all issues with their labels by rules that were fitted without their repositories."""
    names = _list_repositories(issues)
    pairs = [frozenset(pair) for pair in combinations(names, 2)]
    weights = fit_without([*(frozenset({name}) for name in names), *pairs])
    labelled = []
    for name in names:
        scored = [
            one
            for other in names
            if other != name
            for one in _score(issues, other, weights[frozenset({name, other})])
        ]
        table = weights[frozenset({name})]._replace(bars=set_bars(scored))
        labelled += [label(issue, table) for issue in issues if issue.repository == name]
    table = fit_all(issues)
    return labelled + [label(issue, table) for issue in issues if issue.repository in APART]


def fit_without(left_out: Sequence[Names]) -> dict[Names, TypeWeights]:
    """Return weights for each group of repositories, fitted to all others."""
    with ProcessPoolExecutor() as pool:
        return dict(zip(left_out, pool.map(_fit_without, left_out), strict=True))


def _fit_without(names: Names) -> TypeWeights:
    return fit_weights([x for x in load_issues() if x.repository not in names | APART])


def _list_repositories(issues: Sequence[TypedIssue]) -> list[str]:
    return sorted({issue.repository for issue in issues} - APART)


def _score(issues: Sequence[TypedIssue], repository: str, weights: TypeWeights) -> list[Scored]:
    return [
        Scored(issue, score_cues(issue.cues, weights))
        for issue in issues
        if issue.repository == repository
    ]


def _list_tables(labelled: Sequence[Labelled], how: str) -> Iterator[str]:
    others = [one for one in labelled if one.issue.repository not in APART]
    apart = [one for one in labelled if one.issue.repository in APART]
    yield ""
    yield f"Class-balanced sets, forced choice ({how}):"
    yield ""
    yield from list_forced([one for one in others if one.issue.mix == "balanced"])
    yield ""
    yield f"Natural mixes, labels that are applied ({how}):"
    yield ""
    natural = [one for one in others if one.issue.mix == "natural"]
    yield from list_natural(natural, apart)
    yield ""
    yield from list_classes(natural)
    yield ""


def _dump(weights: TypeWeights) -> str:
    """Return the text of `keyword_weights.json`, one row a line."""
    rows: list[Mapping[str, Any]] = [
        {**cue._asdict(), **dict(zip(TYPES, row, strict=True))} for cue, row in weights.cues.items()
    ]
    bars = {concept: bars._asdict() for concept, bars in weights.bars.items()}
    listed = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    return (
        f'{{\n  "bias": {json.dumps(weights.bias)},\n  "bars": {json.dumps(bars)},\n'
        f'  "weights": [\n{listed}\n  ]\n}}\n'
    )
