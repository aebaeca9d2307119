"""Of very many labels the prompt lists types, groups, then those that the issue speaks of."""

from __future__ import annotations

from bot.core.labels.shortlist import shortlist
from bot.core.types import Label

MANY = [Label(f"area/part-{number:03}") for number in range(250)]
TEXT = "The export to PDF crashes\nIt happens in the billing module."


def names(*more: Label, groups: tuple[str, ...] = (), size: int = 3) -> list[str]:
    return [label.name for label in shortlist([*MANY, *more], TEXT, groups, size)]


def test_few_labels_are_all_listed_in_their_order() -> None:
    labels = [Label("zebra"), Label("apple")]
    assert shortlist(labels, TEXT, (), 2) == labels


def test_types_come_first_in_any_spelling() -> None:
    more = Label("C-bug"), Label("kind/feature"), Label("Type: Question"), Label("export")
    assert names(*more) == ["C-bug", "kind/feature", "Type: Question"]
    assert names(*more, size=4)[-1] == "export"


def test_labels_of_groups_come_before_relevant_ones() -> None:
    more = Label("export"), Label("os-linux")
    assert names(*more, groups=("OS-Linux",), size=1) == ["os-linux"]


def test_names_then_descriptions_that_share_words_with_the_issue_are_preferred() -> None:
    billing, pdf = Label("m-money", "Everything about billing"), Label("area/PDF")
    found = names(Label("m-other", "Others"), billing, pdf, size=2)
    assert found == ["m-money", "area/PDF"]
    assert names(billing, pdf, size=1) == ["area/PDF"]


def test_the_rest_is_filled_in_the_repository_s_order() -> None:
    assert names(Label("export"), size=3) == ["area/part-000", "area/part-001", "export"]


def test_labels_that_a_classifier_finds_probable_come_first_and_improbable_ones_last() -> None:
    ranked = ["area/part-200", "area/part-100", "export", "area/part-000"]
    labels = [*MANY, Label("export")]
    found = [label.name for label in shortlist(labels, TEXT, (), 4, ranked)]
    assert found == ["area/part-001", "area/part-002", "area/part-100", "area/part-200"]
