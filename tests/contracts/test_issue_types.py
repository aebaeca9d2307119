"""Issue types in the `Forge` port: the fake, and both clients over HTTP."""

from __future__ import annotations

import pytest

from bot.core.errors import Forbidden
from bot.core.types import IssueRef, Label
from bot.sandbox.state import MAINTAINER
from tests.contracts.forge_case import BODY, LABELS, TITLE, Case, Fake, Platforms, Simulated


def test_a_type_is_set_replaced_and_removed_with_who_changed_it(
    platforms: Platforms,
) -> None:
    fake = Fake()
    fake.fake.types = (Label("Bug", "Broken"), Label("Task"))
    box, forges = platforms
    repo = "acme/types"
    box.add_repo(repo, LABELS).types = {"Bug": "Broken", "Task": "", "Old": ""}
    box.state.repo(repo).disabled_types = {"Old"}
    number = box.open_issue(repo, TITLE, BODY, deliver=False)
    ref = forges["github"].complete_ref(IssueRef("github", "", repo, number))
    cases: list[Case] = [fake, Simulated(forges["github"], box, ref)]
    for one_case in cases:
        forge, ref = one_case.forge, one_case.ref
        assert forge.list_types(ref) == (Label("Bug", "Broken"), Label("Task"))
        assert forge.set_type(ref, "Bug")
        assert forge.get_issue(ref).type == "Bug"
        if isinstance(one_case, Fake):
            one_case.fake.person_sets_type("Task")
        else:
            box.state.set_type(repo, number, "Task", MAINTAINER)
        assert forge.set_type(ref, "")
        assert forge.get_issue(ref).type == ""
        changes = forge.list_type_changes(ref)
        assert [(one.name, one.added, one.own, one.by_bot) for one in changes] == [
            ("Bug", True, True, True),
            ("Bug", False, False, False),
            ("Task", True, False, False),
            ("Task", False, True, True),
        ]
        with pytest.raises(Forbidden):
            forge.set_type(ref, "Old")


def test_a_forge_without_types_lists_and_sets_none(case: Case) -> None:
    assert case.forge.list_types(case.ref) == ()
    assert case.forge.list_type_changes(case.ref) == ()
    if isinstance(case, Simulated) and case.host.host == "gitlab":
        assert not case.forge.set_type(case.ref, "Bug")
