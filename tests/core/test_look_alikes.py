"""Labels that are one label to a reader."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.core.labels.look_alikes import LookAlikes, find_look_alikes


def find(*names: str, by_concept: Sequence[str] = ()) -> list[LookAlikes]:
    return list(find_look_alikes(names, by_concept))


@pytest.mark.parametrize(
    ("names", "difference"),
    [
        (("bug", "Bug"), "case"),
        (("bug", "🐛 bug", ":bug: Bug"), "emoji and punctuation"),
        (("won't fix", "wontfix"), "emoji and punctuation"),
        (("front-end", "frontend", "front_end"), "emoji and punctuation"),
        (("doc", "docs"), "plural"),
        (("dependency", "dependencies"), "plural"),
        (("crash", "Crashes"), "plural"),
        (("type: bug", "kind/bug"), "a prefix"),
        (("bug", "type::bug"), "a prefix"),
        (("area/login", "component: logins", "login"), "a prefix"),
        (("priority/high", "prio: high"), "a prefix"),
    ],
)
def test_names_that_differ_in_spelling_only_are_one_label(
    names: Sequence[str], difference: str
) -> None:
    assert find("unrelated", *names) == [
        LookAlikes(tuple(names), f"the same name but for {difference}")
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("bug", "debug"),
        ("c", "c++", "c#"),
        ("io", "ios"),
        ("statu", "status"),
        ("v1.0", "v10"),
        ("v1", "v2"),
        ("priority/high", "severity/high", "high"),
        ("area/login", "team/login"),
        ("area/login", "type/login"),
        ("react/bug", "bug"),
        ("🎉", "🐛"),
    ],
)
def test_names_that_mean_different_things_are_not(names: Sequence[str]) -> None:
    assert find(*names) == []


def test_names_of_one_concept_are_look_alikes_once() -> None:
    names = ["enhancement", "feature", "Features", "defect", "bug", "docs"]
    assert find(*names, by_concept=names) == [
        LookAlikes(("feature", "Features"), "the same name but for plural"),
        LookAlikes(("defect", "bug"), "both mean bug"),
        LookAlikes(("enhancement", "feature"), "both mean feature-request"),
    ]


def test_a_concept_counts_for_the_chosen_names_only() -> None:
    assert find("bug", "defect", by_concept=["bug"]) == []
