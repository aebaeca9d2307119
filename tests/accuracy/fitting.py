"""Fits the weights of the types' cues: softmax regression with L2 penalty, by AdaGrad.

Repositories and types count equally, however many issues there are of them. A cue is used only
where several repositories have it, so that no word of one project gets a weight.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from bot.core.labels.cues import DECLARED, Cue
from bot.core.labels.keywords import TYPES, TypeWeights
from tests.accuracy.datasets import TypedIssue

MIN_REPOSITORIES = 5  # that have a cue, each in at least
MIN_ISSUES = 2
PENALTY = 60.0  # for the square of a weight's distance from its prior, against the loss of all
# The author's own word for the type, in a form or a tag, counts before any data, and few
# repositories have it.
PRIOR_OF_DECLARED = 1.5
MIN_REPOSITORIES_DECLARED = 2
EPOCHS = 25
RATE = 0.1
MANY = 100  # issues of a type; more of them do not make a repository count more
HUNDREDTHS = 100


def fit_weights(issues: Sequence[TypedIssue]) -> TypeWeights:
    """Return the fitted weights in hundredths, without bars."""
    bias, weights = fit(issues)
    rounded = {cue: _round(row) for cue, row in weights.items()}
    return TypeWeights(
        bias=dict(zip(TYPES, _round(bias), strict=True)),
        cues={cue: row for cue, row in rounded.items() if any(row)},
        bars={},
    )


def _round(weights: Iterable[float]) -> tuple[int, ...]:
    return tuple(round(weight * HUNDREDTHS) for weight in weights)


def select_cues(issues: Iterable[TypedIssue]) -> list[Cue]:
    """Return the cues that several repositories have, in order."""
    counts: dict[Cue, Counter[str]] = defaultdict(Counter)
    for issue in issues:
        for cue in issue.cues:
            counts[cue][issue.repository] += 1
    return sorted(
        cue
        for cue, by_repository in counts.items()
        if sum(n >= MIN_ISSUES for n in by_repository.values())
        >= (MIN_REPOSITORIES_DECLARED if cue.part == DECLARED else MIN_REPOSITORIES)
    )


def find_prior(cue: Cue) -> list[float]:
    """Return the weights of a cue before any data."""
    if cue.part != DECLARED or cue.name not in TYPES:
        return [0.0] * len(TYPES)
    others = -PRIOR_OF_DECLARED / (len(TYPES) - 1)
    return [PRIOR_OF_DECLARED if concept == cue.name else others for concept in TYPES]


def weigh_issues(issues: Sequence[TypedIssue]) -> list[float]:
    """Return the weight of each issue, 1 on average; the sums for the types are equal."""
    sizes = Counter((issue.repository, issue.concept) for issue in issues)
    raw = [
        math.sqrt(min(sizes[key], MANY)) / sizes[key]
        for key in ((issue.repository, issue.concept) for issue in issues)
    ]
    sums: dict[str, float] = defaultdict(float)
    for issue, weight in zip(issues, raw, strict=True):
        sums[issue.concept] += weight
    scale = len(issues) / len(sums)
    return [w * scale / sums[issue.concept] for issue, w in zip(issues, raw, strict=True)]


def fit(issues: Sequence[TypedIssue]) -> tuple[list[float], dict[Cue, list[float]]]:
    """Return the bias of each type and the weights of each cue by type, in log odds."""
    cues = select_cues(issues)
    numbers = {cue: number for number, cue in enumerate(cues, start=1)}
    rows = [
        (
            [0, *sorted(numbers[cue] for cue in issue.cues if cue in numbers)],
            [float(issue.concept == concept) for concept in TYPES],
            weight,
        )
        for issue, weight in zip(issues, weigh_issues(issues), strict=True)
    ]
    counts = Counter(number for active, _, _ in rows for number in active)
    penalties = [0.0, *(PENALTY / counts[number] for number in range(1, len(cues) + 1))]
    priors = [[0.0] * len(TYPES), *map(find_prior, cues)]
    weights = [list(prior) for prior in priors]
    squares = [[1.0] * len(TYPES) for _ in penalties]
    order = random.Random(0)
    for _ in range(EPOCHS):
        order.shuffle(rows)
        for row in rows:
            _descend(row, weights, squares, (priors, penalties))
    return weights[0], dict(zip(cues, weights[1:], strict=True))


def _descend(
    row: tuple[list[int], list[float], float],
    weights: list[list[float]],
    squares: list[list[float]],
    pulls: tuple[list[list[float]], list[float]],
) -> None:
    """Change the weights of a row's cues by one step of AdaGrad."""
    active, truth, importance = row
    priors, penalties = pulls
    totals = [sum(column) for column in zip(*(weights[number] for number in active), strict=True)]
    powers = [math.exp(total - max(totals)) for total in totals]
    whole = sum(powers)
    errors = [importance * (p / whole - t) for p, t in zip(powers, truth, strict=True)]
    for number in active:
        its_weights, its_squares, prior = weights[number], squares[number], priors[number]
        for index, error in enumerate(errors):
            slope = error + penalties[number] * (its_weights[index] - prior[index])
            its_squares[index] += slope * slope
            its_weights[index] -= RATE * slope / math.sqrt(its_squares[index])
