"""Labels with the longest names keep their past also where only the marker tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.types import IssueRef, Label
from bot.flow.process import process
from tests.fakes import (
    REF,
    FakeForge,
    ScriptedModel,
    a_context,
    a_delivery,
    an_issue,
    says,
)
from tests.memory_store import MemoryStore

BOOM = "\U0001f4a5"
LONG = [f"{BOOM * 253}{n}" for n in "12"]
BODY = "The login crashed with an exception. It is a bug."
RULES = (
    "version: 1\ncomment: {on_fallback: true}\non: [opened, edited]\n"
    f"fallback: {{rules: [{{label: '{LONG[0]}', any: [crashed]}}]}}\n"
)


def a_forge() -> FakeForge:
    names = [*LONG, "needs-review"]
    return FakeForge(an_issue("Login", BODY), tuple(Label(n) for n in names), config=RULES)


def edited(forge: FakeForge, body: str) -> None:
    forge.found = replace(forge.found, body=body, commented=True)


def test_a_long_label_that_a_person_removed_does_not_come_back_when_redis_lost_all() -> None:
    forge = a_forge()
    both = says("The login crashed.", *((name, "sure", "crashed") for name in LONG))
    process(a_delivery(), a_context(forge, ScriptedModel(both), MemoryStore()))
    assert set(forge.found.labels) == set(LONG)
    forge.found = replace(forge.found, labels=(LONG[0],))
    edited(forge, f"{BODY} Again.")
    process(a_delivery(kind="edited"), a_context(forge, ScriptedModel(both), MemoryStore()))
    assert set(forge.found.labels) == {LONG[0]}
    (comment,) = forge.own_comments
    assert comment.body.count(LONG[0][-1]) >= 1


def test_a_long_label_from_rules_gives_way_to_the_model_s() -> None:
    forge, store = a_forge(), MemoryStore()
    process(a_delivery(), a_context(forge, None, store))
    assert set(forge.found.labels) == {LONG[0], "needs-review"}
    forge.found = replace(forge.found, commented=True)
    answer = says("The login crashed.", (LONG[1], "sure", "crashed"))
    process(a_delivery(kind="manual"), a_context(forge, ScriptedModel(answer), store))
    assert set(forge.found.labels) == {LONG[1]}
    assert len(forge.own_comments) == 1


@pytest.mark.parametrize("name", ["bug", *LONG[:1]])
def test_labels_of_the_repository_are_read_for_long_names_only(name: str) -> None:
    forge = a_forge()
    forge.repository = (Label(name),)
    forge.config = None
    answer = says("The login crashed.", (name, "sure", "crashed"))
    process(a_delivery(), a_context(forge, ScriptedModel(answer), MemoryStore()))
    forge.found = replace(forge.found, commented=True)
    asked: list[IssueRef] = []
    before = forge.labels

    def labels(ref: IssueRef) -> tuple[Label, ...]:
        asked.append(ref)
        return before(ref)

    forge.labels = labels  # type: ignore[method-assign]
    outcome = process(a_delivery(), a_context(forge, ScriptedModel(), MemoryStore()))
    assert outcome.record.status == "unchanged"
    assert asked == ([] if name == "bug" else [REF])
