"""Issue types: end states of one issue, with everything that may go wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import Forbidden, ModelFailed, NotFound, Retry, TaglineError, WriteUncertain
from bot.core.types import Label
from bot.flow.record_corrections import record_corrections
from tests.fakes import NOW, REF, make_context, make_job, model_reply
from tests.flow.issue_case import ANSWER, DOWN, LABELS, IssueCase, make_case
from tests.memory_store import MemoryStore

TYPES = (Label("Bug", "Something is broken"), Label("Feature"), Label("Task"))
TASK = model_reply("Clean up.", ("Task", "sure", "clean up"), ("area/login", "likely", "login"))
NOTHING = model_reply("The login button does nothing.", ("area/login", "likely", "login"))


def typed(*answers: str | ModelFailed, now: str = "", **more: Any) -> IssueCase:
    """Return a case in a repository with types; `now` is the issue's at the start."""
    case = make_case(*answers, **more)
    case.forge.types = TYPES
    case.forge.current = replace(case.forge.current, type=now)
    return case


def issue_type(case: IssueCase) -> str:
    return case.forge.current.type


def kinds(case: IssueCase) -> list[tuple[str, str, str]]:
    writes = case.store.journal.list_writes(REF.key)
    return [(write.kind, write.label, write.state) for write in writes if "type" in write.kind]


def test_the_type_is_set_in_place_of_the_label_that_means_it() -> None:
    case = typed(ANSWER)
    case.job()
    assert (issue_type(case), case.labels) == ("Bug", ["area/login"])
    assert case.forge.writes == ["type", "labels", "comment"]
    (comment,) = case.comments
    assert "- **Type:** `Bug`.\n- **Labels:** `area/login`." in comment
    assert "- `Bug`: does nothing (sure)" in comment
    assert kinds(case) == [("set-type", "Bug", "done")]
    assert case.record.type
    assert (case.record.type.label, case.record.type.applied) == ("Bug", True)


def test_the_model_is_offered_types_beside_the_labels_that_mean_none() -> None:
    case = typed(ANSWER)
    case.job()
    assert case.model
    prompt = case.model.prompts[0]
    names = prompt.schema["properties"]["labels"]["items"]["properties"]["name"]["enum"]
    assert names[:3] == ["Bug", "Feature", "Task"]
    assert "bug" not in names
    assert '"types":[{"name":"Bug","description":"Something is broken"}' in prompt.user
    assert "one of them as well" in prompt.system


def test_a_prompt_without_types_does_not_speak_of_them() -> None:
    case = make_case(ANSWER)
    case.job()
    assert case.model
    assert "types" not in case.model.prompts[0].system + case.model.prompts[0].user


def test_rules_choose_a_type_too() -> None:
    case = typed(DOWN)
    case.job()
    assert (issue_type(case), case.labels) == ("Bug", ["needs-review"])
    assert case.record.type_by_rules


def test_a_rule_of_the_repository_for_a_label_stands_for_the_type() -> None:
    config = "fallback: {builtin: false, rules: [{label: bug, any: [button]}]}"
    case = typed(DOWN, config=config)
    case.job()
    assert (issue_type(case), case.labels) == ("Bug", ["needs-review"])


@pytest.mark.parametrize(("answer", "after"), [(TASK, "Task"), (NOTHING, ""), (ANSWER, "Bug")])
def test_the_model_s_answer_replaces_a_type_from_rules(answer: str, after: str) -> None:
    case = typed(DOWN, answer)
    case.job()
    case.job("heal", tries=2)
    assert issue_type(case) == after
    assert not case.record.type_by_rules
    replaced = [] if after == "Bug" else [("remove-type", "Bug", "done")]
    added = [] if after in ("", "Bug") else [("set-type", after, "done")]
    assert kinds(case) == [("set-type", "Bug", "done"), *replaced, *added]


@pytest.mark.parametrize("later", ["Feature", ""])
def test_a_type_that_a_person_changed_stays(later: str) -> None:
    case = typed(DOWN, TASK)
    case.job()
    case.forge.person_sets_type(later)
    case.job("heal", tries=2)
    assert issue_type(case) == later
    assert "Type" not in case.comments[0]


def test_a_type_that_a_person_set_again_stays() -> None:
    case = typed(DOWN, TASK)
    case.job()
    case.forge.person_sets_type("")
    case.forge.person_sets_type("Bug")
    case.job("heal", tries=2)
    assert issue_type(case) == "Bug"


def test_a_type_that_is_there_stays_and_no_label_contradicts_it() -> None:
    case = typed(ANSWER, now="Feature")
    case.job()
    assert (issue_type(case), case.labels) == ("Feature", ["area/login"])
    assert case.forge.writes == ["labels", "comment"]
    assert "Type" not in case.comments[0]


def test_a_label_that_says_the_type_is_enough() -> None:
    case = typed(TASK, issue={"labels": ("bug",)})
    case.job()
    assert (issue_type(case), case.labels) == ("", ["bug", "area/login"])


class Meanwhile:
    """A model during whose call a person does something."""

    def __init__(self, case: IssueCase, act: Any) -> None:
        assert case.model
        self.complete_as_before = case.model.complete
        self.act = act
        case.model.complete = self.complete  # type: ignore[method-assign]

    def complete(self, prompt: Any, parse: Any) -> Any:
        self.act()
        return self.complete_as_before(prompt, parse)


def test_a_type_that_a_person_sets_during_the_model_call_stays() -> None:
    case = typed(ANSWER)
    Meanwhile(case, lambda: case.forge.person_sets_type("Task"))
    case.job()
    assert (issue_type(case), case.labels) == ("Task", ["area/login"])


def test_a_label_of_a_group_that_a_person_sets_during_the_model_call_wins() -> None:
    labels = (*LABELS, Label("area/api"))
    case = make_case(ANSWER, labels=labels)
    Meanwhile(case, lambda: case.forge.person_adds("area/api"))
    case.job()
    assert case.labels == ["area/api", "bug"]


def test_a_type_that_is_dropped_without_an_error_is_suggested() -> None:
    case = typed(ANSWER)
    case.forge.drops_types = True
    case.job()
    assert (issue_type(case), case.labels) == ("", ["area/login"])
    assert "- **Type:** Suggested, not applied: `Bug`" in case.comments[0]
    assert kinds(case) == [("set-type", "Bug", "refused")]
    assert case.record.type
    assert not case.record.type.applied


@pytest.mark.parametrize("error", [Forbidden("403"), Forbidden("422"), NotFound("404")])
def test_a_type_that_is_refused_is_suggested_and_the_rest_is_written(error: TaglineError) -> None:
    case = typed(ANSWER)
    case.forge.fail("set_type", error)
    case.job()
    assert (issue_type(case), case.labels) == ("", ["area/login"])
    assert "- **Type:** Suggested, not applied: `Bug`" in case.comments[0]


def test_a_replacement_that_is_refused_leaves_the_type_of_the_rules() -> None:
    case = typed(DOWN, TASK)
    case.job()
    case.forge.drops_types = True
    case.job("heal", tries=2)
    assert issue_type(case) == "Bug"
    assert "- **Type:** `Bug`. Suggested, not applied: `Task`" in case.comments[0]


@pytest.mark.parametrize("done", [True, False])
def test_a_try_that_was_interrupted_at_the_type_is_completed(done: bool) -> None:
    case = typed(ANSWER, ANSWER)
    case.interrupt("set_type", WriteUncertain("502"), done=done)
    case.job(tries=2)
    assert (issue_type(case), case.labels) == ("Bug", ["area/login"])
    assert case.forge.writes.count("type") == 1
    assert len(case.comments) == 1


def test_a_type_that_a_person_removed_between_two_tries_stays_away() -> None:
    case = typed(ANSWER, ANSWER)
    case.interrupt("add_labels", Retry("502"))
    assert issue_type(case) == "Bug"
    case.forge.person_sets_type("")
    case.job(tries=2)
    assert (issue_type(case), case.labels) == ("", ["area/login"])


def test_an_edit_keeps_the_type_and_the_comment_still_names_it() -> None:
    case = typed(ANSWER, TASK, config="on: [opened, edited]")
    case.job()
    case.forge.person_edits("Clean up the login")
    case.job("edited", tries=2)
    assert issue_type(case) == "Bug"
    assert "- **Type:** `Bug`." in case.comments[0]
    assert "Task" not in case.comments[0]


@pytest.mark.parametrize(
    ("config", "suggested"),
    [("mode: suggest", True), ("mode: dry-run", False), ("types: {set: false}", False)],
)
def test_where_no_type_may_be_set_none_is(config: str, suggested: bool) -> None:
    case = typed(ANSWER, config=config)
    case.job()
    assert issue_type(case) == ""
    assert "type" not in case.forge.writes
    shown = "- **Type:** Suggested, not applied: `Bug`"
    assert any(shown in comment for comment in case.comments) == suggested


def test_an_unsure_type_is_only_suggested() -> None:
    case = typed(model_reply("It may be a bug.", ("Bug", "unsure", "may")))
    case.job()
    assert issue_type(case) == ""
    assert "- **Type:** Suggested, not applied: `Bug`" in case.comments[0]


def test_after_a_loss_of_redis_the_comment_shows_whose_type_it_is() -> None:
    case = typed(ANSWER, TASK)
    case.job()
    case.store = MemoryStore()
    case.forge.person_sets_type("")
    case.job("manual", tries=2)
    assert issue_type(case) == "", "a person removed it"


def correct(case: IssueCase) -> str:
    context = make_context(case.forge, case.model, case.store)
    return record_corrections(make_job("labels", "c-1", NOW), context).record.why


@pytest.mark.parametrize(
    ("later", "why", "verdicts"),
    [
        ("", "1 removed", {"Bug": "removed"}),
        ("Task", "1 removed, 1 added", {"Bug": "removed", "Task": "added"}),
    ],
)
def test_a_person_s_change_of_the_type_is_a_correction(
    later: str, why: str, verdicts: dict[str, str]
) -> None:
    case = typed(model_reply("It crashes.", ("Bug", "sure", "crashes")))
    case.job()
    case.forge.person_sets_type(later)
    assert correct(case) == why
    found = {one.label: one.verdict for one in case.store.corrections.list(REF.repo_key)}
    assert found == verdicts
    assert correct(case) == "nothing new"
