"""The labels that `tagline labels init` creates."""

from __future__ import annotations

import re

import pytest

from bot.core.config.schema import LabelRules
from bot.core.labels import keywords, policy
from bot.core.labels.common_labels import COMMON_LABELS, NewLabel, find_missing_labels
from bot.core.labels.process import is_process_label
from bot.core.types import Label

GITHUB_NAME, GITHUB_DESCRIPTION = 50, 100  # characters


@pytest.mark.parametrize("concept", COMMON_LABELS)
def test_each_label_may_be_set_and_means_its_concept(concept: str) -> None:
    label = COMMON_LABELS[concept]
    assert keywords.label_for(concept, [label.name]) == label.name
    assert not policy.find_restriction(Label(label.name, label.description), LabelRules())
    assert not is_process_label(label.name)


@pytest.mark.parametrize("label", COMMON_LABELS.values())
def test_each_label_fits_both_forges(label: NewLabel) -> None:
    assert re.fullmatch("[0-9a-f]{6}", label.color)
    assert 0 < len(label.name) <= GITHUB_NAME
    assert "," not in label.name
    assert 0 < len(label.description) <= GITHUB_DESCRIPTION


def test_every_common_tag_that_the_bot_may_set_has_a_label() -> None:
    tags = {*keywords.COMMON_TAGS, *keywords.TYPES}
    assert tags - {*COMMON_LABELS} == {"security", "urgent"}  # people set these


def test_only_labels_of_a_missing_meaning_are_missing() -> None:
    assert find_missing_labels([]) == tuple(COMMON_LABELS.values())
    missing = [label.name for label in find_missing_labels(["type: defect", "good first issue"])]
    assert missing == [x.name for x in COMMON_LABELS.values() if x.name != "bug"]
