"""Suggestions in the `Forge` port: the fake, and GitHub's client over HTTP."""

from __future__ import annotations

import pytest

from bot.core.types import IssueRef, Label, LabelSuggestion
from bot.forges.registry import ForgeClient
from tests.contracts.test_forge import BODY, LABELS, TITLE, Case, Fake, Simulated, case, platforms
from tests.simulation import Sandbox

__all__ = ["case", "platforms"]

BUG = LabelSuggestion("bug", "sure", "It crashes.")
DOCS = LabelSuggestion("docs", "unsure")
TASK = LabelSuggestion("Task", "likely", "Clean up.")


def make_fake() -> Fake:
    fake = Fake()
    fake.fake.suggestions, fake.fake.types = [], (Label("Task"),)
    return fake


@pytest.fixture(params=["fake", "github"])
def holding(
    request: pytest.FixtureRequest, platforms: tuple[Sandbox, dict[str, ForgeClient]]
) -> Case:
    """A repository that takes suggestions."""
    if request.param == "fake":
        return make_fake()
    box, forges = platforms
    repo = f"acme/{request.node.name[:60].replace('[', '-').rstrip(']')}"
    home = box.add_repo(repo, LABELS)
    home.automation, home.types = "full-automation", {"Task": ""}
    number = box.open_issue(repo, TITLE, BODY, deliver=False)
    ref = forges["github"].complete_ref(IssueRef("github", "", repo, number))
    return Simulated(forges["github"], box, ref)


def listed(case: Case, state: str = "pending") -> list[tuple[str, bool, str]]:
    found = case.forge.list_suggestions(case.ref, state)
    return [(one.name, one.is_type, one.state) for one in found]


def test_labels_are_added_and_suggested_by_one_request(holding: Case) -> None:
    assert holding.forge.takes_suggestions(holding.ref)
    assert holding.forge.add_labels(holding.ref, ("needs review",), (BUG, DOCS)) == (
        "needs review",
    )
    assert holding.forge.get_issue(holding.ref).labels == ("needs review",)
    assert listed(holding) == [("bug", False, "pending"), ("docs", False, "pending")]


def test_labels_alone_are_suggested_and_one_that_is_gone_is_not(holding: Case) -> None:
    holding.lose_label("docs")
    assert holding.forge.add_labels(holding.ref, (), (BUG, DOCS)) == ()
    assert holding.forge.get_issue(holding.ref).labels == ()
    assert listed(holding) == [("bug", False, "pending")]


def test_a_type_is_suggested_and_not_set(holding: Case) -> None:
    assert holding.forge.list_types(holding.ref) == (Label("Task"),)
    holding.forge.suggest_type(holding.ref, TASK)
    assert holding.forge.get_issue(holding.ref).type == ""
    assert listed(holding) == [("Task", True, "pending")]


def test_a_suggestion_is_dismissed_once(holding: Case) -> None:
    holding.forge.add_labels(holding.ref, (), (BUG,))
    (one,) = holding.forge.list_suggestions(holding.ref, "pending")
    for _ in range(2):
        holding.forge.dismiss_suggestion(holding.ref, one.id)
    assert listed(holding) == []
    assert listed(holding, "all") == [("bug", False, "dismissed")]


def test_where_there_are_none_labels_are_added_all_the_same(case: Case) -> None:
    assert not case.forge.takes_suggestions(case.ref)
    assert case.forge.add_labels(case.ref, ("docs",), (BUG,)) == ("docs",)
    assert case.forge.get_issue(case.ref).labels == ("docs",)
    assert case.forge.list_suggestions(case.ref, "all") == ()
    case.forge.dismiss_suggestion(case.ref, 1)
