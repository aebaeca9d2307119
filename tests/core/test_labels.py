"""The label policy: which labels may be applied at all, and which of the chosen ones are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.config.schema import LabelRules
from bot.core.labels.names import fold
from bot.core.labels.policy import CurrentLabels, decide, usable_labels
from bot.core.types import Certainty, Label, LabelDecision, LabelSuggestion

LABELS = tuple(
    Label(name)
    for name in (
        "bug",
        "enhancement",
        "documentation",
        "area/login",
        "area/api",
        "type: crash",
        "type: hang",
        "team::web",
        "team::core",
        "size::small::fast",
    )
)


def names(found: Sequence[Label]) -> list[str]:
    return [label.name for label in found]


def sure(*labels: str, certainty: Certainty = "sure") -> tuple[LabelSuggestion, ...]:
    return tuple(LabelSuggestion(label, certainty, "so says the text") for label in labels)


def outcome(
    choices: Sequence[LabelSuggestion],
    *,
    present: CurrentLabels | None = None,
    suggestions: Sequence[str] = (),
    **rules: Any,
) -> tuple[list[str], list[str]]:
    """The labels that are applied and those that are suggested."""
    labels = LabelRules(**rules)
    label_decision = decide(choices, LABELS, suggestions, present or CurrentLabels(), labels)
    return [choice.label for choice in label_decision.apply], list(label_decision.suggest)


# Which labels may be applied at all.


@pytest.mark.parametrize(
    "description",
    [
        "Set by maintainers only",
        "Only maintainers may add this",
        "Added manually only",
        "For humans only.",
        "only people with write access",
        "Do not set automatically",
        "DO NOT USE AUTOMATICALLY",
    ],
)
def test_labels_that_only_people_set_are_off_unless_named_exactly(description: str) -> None:
    label = Label("triaged", description)
    assert usable_labels([label], LabelRules()) == ()
    assert usable_labels([label], LabelRules(allow=("triaged",))) == (label,)


@pytest.mark.parametrize(
    "description", ["", "Only on Windows", "Something people report", "The manual is wrong"]
)
def test_other_descriptions_forbid_nothing(description: str) -> None:
    assert usable_labels([Label("triaged", description)], LabelRules())


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ({}, ["bug", "area/login", "area/api", "wip"]),
        ({"allow": ("area/*",)}, ["area/login", "area/api"]),
        ({"allow": ("BUG",)}, ["bug"]),
        ({"allow": ()}, []),
        ({"allow": ("nothing-such",)}, []),
        ({"deny": ("area/*",)}, ["bug", "wip"]),
        ({"deny": ("Wip",)}, ["bug", "area/login", "area/api"]),
        ({"deny": ("*",)}, []),
        ({"allow": ("bug",), "deny": ("bug",)}, []),
        ({"allow": ("*", "stale")}, ["bug", "area/login", "area/api", "wip", "stale"]),
    ],
)
def test_a_repository_allows_and_denies_by_globs_of_any_case(
    rules: dict[str, tuple[str, ...]], left: list[str]
) -> None:
    labels = [Label(name) for name in ("bug", "area/login", "area/api", "wip", "stale")]
    assert names(usable_labels(labels, LabelRules(**rules))) == left  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"), [("Bug", "bug"), ("  good   first issue ", "Good First Issue"), ("ß", "SS")]
)
def test_names_are_compared_without_case_and_superfluous_blanks(one: str, other: str) -> None:
    assert fold(one) == fold(other)


# Which of the chosen ones are applied.


REMOVED = {"present": CurrentLabels(removed=["BUG"])}
WITHHELD = {"present": CurrentLabels(withheld=["BUG"])}
# What is chosen, and where → the labels that are applied and those that are suggested.
CHOICES: dict[str, tuple[tuple[LabelSuggestion, ...], dict[str, Any], list[str], list[str]]] = {
    "nothing": ((), {}, [], []),
    "a sure label": (sure("bug"), {}, ["bug"], []),
    "a likely label": (sure("bug", certainty="likely"), {}, ["bug"], []),
    "an unsure label": (sure("bug", certainty="unsure"), {}, [], ["bug"]),
    "in another spelling": (sure(" BUG ", "Area/Login"), {}, ["bug", "area/login"], []),
    "names that do not exist": (sure("bugs", "lgtm", "", "bug,lgtm", "bug\n"), {}, ["bug"], []),
    "a common tag that the repository lacks": (
        sure("Security", "api"),
        {"suggestions": ["security"]},
        [],
        ["security"],
    ),
    "named twice": (sure("bug", "BUG"), {}, ["bug"], []),
    "first unsure, then sure": ((*sure("bug", certainty="unsure"), *sure("bug")), {}, ["bug"], []),
    "on the issue": (
        sure("bug", "documentation"),
        {"present": CurrentLabels(labels=["Bug"])},
        ["documentation"],
        [],
    ),
    "removed by a person, sure": (sure("bug"), REMOVED, [], []),
    "removed by a person, likely": (sure("bug", certainty="likely"), REMOVED, [], []),
    "removed by a person, unsure": (sure("bug", certainty="unsure"), REMOVED, [], []),
    "withheld, sure": (sure("bug"), WITHHELD, ["bug"], []),
    "withheld, unsure": (sure("bug", certainty="unsure"), WITHHELD, [], []),
    "withheld and demoted": (
        sure("bug"),
        {"present": CurrentLabels(demoted=["bug"], withheld=["BUG"])},
        [],
        [],
    ),
    "one withheld, past the limit": (
        sure("bug", "documentation", "area/login", certainty="unsure"),
        {"max": 2, **WITHHELD},
        [],
        ["documentation", "area/login"],
    ),
    "past the limit": (
        sure("bug", "documentation", "area/login", "team::web"),
        {"max": 2},
        ["bug", "documentation"],
        ["area/login", "team::web"],
    ),
    "unsure and past the limit": (
        sure("bug", "documentation", "area/login", certainty="unsure"),
        {"max": 2},
        [],
        ["bug", "documentation"],
    ),
    "a limit of zero": (sure("bug"), {"max": 0}, [], []),
}


@pytest.mark.parametrize("case", CHOICES)
def test_a_chosen_label_is_applied_suggested_or_dropped(case: str) -> None:
    chosen, where, applied, suggested = CHOICES[case]
    assert outcome(chosen, **where) == (applied, suggested)


@pytest.mark.parametrize(
    ("chosen", "applied", "suggested"),
    [
        (("area/login", "area/api"), ["area/login"], ["area/api"]),
        (("type: crash", "type: hang"), ["type: crash"], ["type: hang"]),
        (("team::web", "team::core"), ["team::web"], ["team::core"]),
        (("team::web", "area/api", "bug"), ["team::web", "area/api", "bug"], []),
        (("bug", "enhancement"), ["bug"], ["enhancement"]),
        (("enhancement", "documentation"), ["enhancement", "documentation"], []),
    ],
)
def test_of_a_group_at_most_one_is_applied(
    chosen: tuple[str, ...], applied: list[str], suggested: list[str]
) -> None:
    groups = {"type": ("Bug", "enhancement")}
    assert outcome(sure(*chosen), groups=groups) == (applied, suggested)


@pytest.mark.parametrize(
    ("there", "chosen", "applied", "suggested"),
    [
        ("area/ui", "area/api", [], ["area/api"]),
        ("Area: something", "area/api", [], ["area/api"]),
        ("team::mobile", "team::web", [], ["team::web"]),
        ("enhancement", "bug", [], ["bug"]),
        ("size::small::slow", "size::small::fast", [], ["size::small::fast"]),
        ("size::large::slow", "size::small::fast", ["size::small::fast"], []),
        ("team/web", "team::core", ["team::core"], []),
        ("other", "bug", ["bug"], []),
    ],
)
def test_a_person_who_chose_within_a_group_is_not_contradicted(
    there: str, chosen: str, applied: list[str], suggested: list[str]
) -> None:
    groups = {"type": ("bug", "enhancement")}
    found = outcome(sure(chosen), present=CurrentLabels(labels=[there]), groups=groups)
    assert found == (applied, suggested)


def test_reasons_and_certainties_stay_with_their_labels() -> None:
    chosen = [LabelSuggestion("BUG", "likely", "it says so")]
    label_decision = decide(chosen, LABELS, (), CurrentLabels(), LabelRules())
    assert label_decision == LabelDecision((LabelSuggestion("bug", "likely", "it says so"),), ())
