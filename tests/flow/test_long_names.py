"""Labels with the longest names keep their history even where only the marker records it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.types import IssueRef, Label
from bot.flow.process import process
from tests.fakes import (
    REF,
    FakeForge,
    ScriptedModel,
    make_context,
    make_issue,
    make_job,
    model_reply,
)
from tests.flow.test_issue_types import issue_type, typed
from tests.flow.test_run_commands import command
from tests.memory_store import MemoryStore

BOOM = "\U0001f4a5"
LONG = [f"{BOOM * 253}{n}" for n in "12"]
BODY = "The login crashed with an exception. It is a bug."
RULES = (
    "version: 1\ncomment: {on_fallback: true}\n"
    f"fallback: {{rules: [{{label: '{LONG[0]}', any: [crashed]}}]}}\n"
)


def make_forge() -> FakeForge:
    names = [*LONG, "needs-review"]
    return FakeForge(make_issue("Login", BODY), tuple(Label(n) for n in names), config=RULES)


def test_a_long_label_from_rules_is_replaced_by_the_model_s() -> None:
    forge, store = make_forge(), MemoryStore()
    process(make_job(), make_context(forge, None, store))
    assert set(forge.current.labels) == {LONG[0], "needs-review"}
    forge.current = replace(forge.current, comments=1)
    answer = model_reply("The login crashed.", (LONG[1], "sure", "crashed"))
    process(make_job(kind="manual"), make_context(forge, ScriptedModel(answer), store))
    assert set(forge.current.labels) == {LONG[1]}
    assert len(forge.own_comments) == 1


@pytest.mark.parametrize("name", ["bug", *LONG[:1]])
def test_labels_of_the_repository_are_read_for_long_names_only(name: str) -> None:
    forge = make_forge()
    forge.repository = (Label(name),)
    forge.config = None
    answer = model_reply("The login crashed.", (name, "sure", "crashed"))
    process(make_job(), make_context(forge, ScriptedModel(answer), MemoryStore()))
    forge.current = replace(forge.current, comments=1)
    requests: list[IssueRef] = []
    read_labels = forge.list_labels

    def labels(ref: IssueRef) -> tuple[Label, ...]:
        requests.append(ref)
        return read_labels(ref)

    forge.list_labels = labels  # type: ignore[method-assign]
    outcome = process(make_job(), make_context(forge, ScriptedModel(), MemoryStore()))
    assert outcome.record.status == "unchanged"
    assert requests == ([] if name == "bug" else [REF])


def test_undo_removes_a_long_type_that_only_the_marker_records() -> None:
    name = BOOM * 30
    case = typed(model_reply("The login crashed.", (name, "sure", "crashed")))
    case.forge.types = (Label(name),)
    case.job()
    assert issue_type(case) == name
    case.store = MemoryStore()
    command(case, "/tagline undo")
    assert (issue_type(case), case.comments) == ("", [])
