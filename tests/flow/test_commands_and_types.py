"""Commands on an issue with a type and with suggestions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import Retry
from tests.fakes import NOW, REF
from tests.flow.issue_case import ANSWER
from tests.flow.test_issue_types import issue_type, kinds, typed
from tests.flow.test_run_commands import command, run, write
from tests.flow.test_suggestions import holding, journal, shown

UNDO = "/tagline undo"


def test_undo_removes_the_type_that_the_bot_set() -> None:
    case = typed(ANSWER)
    case.job()
    result = "undo: 1 label removed, its type removed, 1 comment deleted"
    assert command(case, UNDO).record.why == result
    assert (issue_type(case), case.labels, case.comments) == ("", [], [])
    assert kinds(case)[-1] == ("remove-type", "Bug", "done")


def test_undo_keeps_a_type_that_a_person_set() -> None:
    for name in ("Task", "Bug"):
        case = typed(ANSWER)
        case.job()
        case.forge.person_sets_type("")
        case.forge.person_sets_type(name)
        command(case, UNDO)
        assert (issue_type(case), case.comments) == (name, [])


def test_undo_dismisses_pending_suggestions_alone() -> None:
    case = holding(ANSWER)
    case.job()
    assert case.forge.suggestions
    accepted, *others = case.forge.suggestions
    case.forge.suggestions = [replace(accepted, state="approved"), *others]
    command(case, UNDO)
    assert (shown(case, "approved"), shown(case)) == (["bug"], [])
    assert shown(case, "dismissed") == ["area/login", "regression"]
    assert {state for _, _, state, _ in journal(case)} == {"done"}
    assert [(one.name, one.state) for one in case.record.held] == [("bug", "approved")]
    assert case.store.looks.take_due(NOW + 2) == REF, "what a person decided is recorded soon"
    assert case.comments == []


@pytest.mark.parametrize("method", ["set_type", "dismiss_suggestion"])
@pytest.mark.parametrize("done", [False, True])
def test_an_interrupted_undo_of_types_and_suggestions_is_completed(method: str, done: bool) -> None:
    case = typed(ANSWER)
    case.forge.suggestions = []
    case.job()
    assert shown(case)
    job = write(case, UNDO)
    case.forge.fail(method, Retry("GitHub failed (status 502)"), done=done)
    with pytest.raises(Retry):
        run(case, job)
    run(case, job, tries=2)
    assert (issue_type(case), shown(case), case.comments) == ("", [], [])


def test_why_names_the_type_with_what_chose_it() -> None:
    case = typed(ANSWER)
    case.job()
    command(case, "/tagline why")
    (comment,) = case.comments
    assert "- Type: `Bug`: applied, sure, by the model\n- `area/login`: applied" in comment
