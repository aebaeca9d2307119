"""Labelled issues of an invented repository, and classifiers that learned from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from bot.core.types import Issue, Label
from bot.learn.features import extract_features
from bot.learn.model import Example, RepositoryModel
from bot.learn.train import train
from tests.fakes import DAY, NOW, REF, make_issue

# What people write about; rules know none of it.
TOPICS: Mapping[str, str] = {
    "regression": "The {n} gizmo wobbles since the upgrade, the spindle squeaks and jams",
    "documentation": "The {n} chapter of the handbook omits a paragraph about spindles",
    "area/login": "The {n} turnstile rejects a badge at the entrance of the lobby",
}
WOBBLES = "A gizmo wobbles and the spindle jams"


def make_history(count: int = 120, topics: Mapping[str, str] = TOPICS) -> list[Issue]:
    """Return closed issues, the newest first, each with the label of its topic."""
    names = list(topics)
    return [
        replace(
            make_issue(topics[name].format(n=_name(number)), f"Seen in room {number}.", [name]),
            ref=replace(REF, number=number),
            created_at=NOW - 30 * DAY - (count - number) * 3600,
            is_open=False,
            handled=True,
        )
        for number in range(count, 0, -1)
        for name in [names[number % len(names)]]
    ]


@cache
def make_classifier(target: float = 0.9) -> RepositoryModel:
    """Return a classifier of the labels of `TOPICS`, and of "bug", which it has never seen."""
    labels = [Label(name) for name in (*TOPICS, "bug")]
    return learn(make_history(), labels, target)


def learn(issues: Sequence[Issue], labels: Sequence[Label], target: float) -> RepositoryModel:
    examples = [Example(extract_features(x.title, x.body), x.labels, x.created_at) for x in issues]
    return train(examples, labels, target, NOW)


def _name(number: int) -> str:
    return ("left", "right", "upper", "lower", "inner", "outer")[number % 6]
