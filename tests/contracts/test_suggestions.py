"""Suggestions in the `Forge` port: the fake, and GitHub's client over HTTP."""

from __future__ import annotations

from contextlib import closing

import pytest

from bot import wiring
from bot.core.types import IssueRef, Label, LabelSuggestion
from bot.forges.registry import FORGES
from bot.settings.load import load
from tests.contracts.forge_case import BODY, LABELS, TITLE, Case, Fake, Platforms, Simulated

BUG = LabelSuggestion("bug", "sure", "It crashes.")
DOCS = LabelSuggestion("docs", "unsure")
TASK = LabelSuggestion("Task", "likely", "Clean up.")


def make_fake() -> Fake:
    fake = Fake()
    fake.fake.suggestions, fake.fake.types = [], (Label("Task"),)
    return fake


@pytest.fixture(params=["fake", "github"])
def holding(request: pytest.FixtureRequest, platforms: Platforms) -> Case:
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


@pytest.mark.parametrize(("is_accepted", "state"), [(True, "approved"), (False, "dismissed")])
def test_what_a_person_decided_is_listed_with_its_time(
    holding: Case, is_accepted: bool, state: str
) -> None:
    holding.forge.add_labels(holding.ref, (), (BUG, DOCS))
    before, _ = holding.forge.list_suggestions(holding.ref, "pending")
    holding.decide(before, is_accepted)
    assert listed(holding) == [("docs", False, "pending")]
    (one,) = holding.forge.list_suggestions(holding.ref, state)
    assert (one.id, one.name) == (before.id, "bug")
    assert one.at > 0
    assert holding.forge.get_issue(holding.ref).labels == (("bug",) if is_accepted else ())
    changes = holding.forge.list_label_changes(holding.ref)
    assert [(x.name, x.added, x.own, x.by_bot) for x in changes] == (
        [("bug", True, False, False)] if is_accepted else []
    )
    holding.forge.dismiss_suggestion(holding.ref, before.id)
    assert listed(holding, "all") == [("bug", False, state), ("docs", False, "pending")]


def test_a_type_that_a_person_accepts_is_theirs(holding: Case) -> None:
    holding.forge.list_types(holding.ref)
    holding.forge.suggest_type(holding.ref, TASK)
    (one,) = holding.forge.list_suggestions(holding.ref, "pending")
    holding.decide(one, True)
    assert holding.forge.get_issue(holding.ref).type == "Task"
    (change,) = holding.forge.list_type_changes(holding.ref)
    assert (change.name, change.added, change.own) == ("Task", True, False)


def test_a_rival_of_what_a_person_accepts_is_dismissed(holding: Case) -> None:
    holding.forge.list_labels(holding.ref)
    holding.forge.add_labels(holding.ref, (), (DOCS, BUG))
    holding.suggest_by_other_bot("bug")
    *_, rival = holding.forge.list_suggestions(holding.ref, "pending")
    holding.decide(rival, True)
    assert sorted(listed(holding, "all")) == [
        ("bug", False, "approved"),
        ("bug", False, "dismissed"),
        ("docs", False, "pending"),
    ]


def test_a_client_that_has_listed_nothing_yet_knows_the_names(
    platforms: Platforms,
) -> None:
    box, forges = platforms
    repo = "acme/names"
    home = box.add_repo(repo, LABELS)
    home.automation, home.types = "cautious", {"Task": ""}
    number = box.open_issue(repo, TITLE, BODY, deliver=False)
    ref = forges["github"].complete_ref(IssueRef("github", "", repo, number))
    forges["github"].add_labels(ref, (), (BUG,))
    forges["github"].suggest_type(ref, TASK)
    with closing(wiring.clients()) as clients:
        other = FORGES["github"].client(load(box.environment()), clients)
        assert [one.name for one in other.list_suggestions(ref, "all")] == ["bug", "Task"]
