"""Suggestions that people accept on the forge: end states of one issue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import Forbidden, ModelFailed, NotFound, Retry, TaglineError
from bot.core.types import HeldSuggestion, Label
from tests.fakes import REF, model_reply
from tests.flow.issue_case import ANSWER, DOWN, IssueCase, make_case
from tests.flow.test_issue_types import TYPES
from tests.memory_store import MemoryStore

OTHER = model_reply("A question.", ("documentation", "likely", "manual"))


def holding(*answers: str | ModelFailed, config: str = "mode: suggest", **more: Any) -> IssueCase:
    """Return a case on a forge that holds suggestions."""
    case = make_case(*answers, config=config, **more)
    case.forge.suggestions = []
    return case


def shown(case: IssueCase, state: str = "pending") -> list[str]:
    return [one.name for one in case.forge.suggestions or () if one.state == state]


def journal(case: IssueCase) -> list[tuple[str, str, str, int]]:
    writes = case.store.journal.list_writes(REF.key)
    return [(x.kind, x.label, x.state, x.suggestion_id) for x in writes if "sugg" in x.kind]


def test_in_suggest_mode_all_labels_are_suggested_and_the_comment_lists_none() -> None:
    case = holding(ANSWER)
    case.job()
    assert (shown(case), case.labels) == (["bug", "area/login", "regression"], [])
    assert [case.forge.reasons[name].certainty for name in shown(case)] == [
        "sure",
        "likely",
        "unsure",
    ]
    (comment,) = case.comments
    assert "Labels" not in comment
    assert "`" not in comment.partition("<sub>")[0]
    assert case.record.status == "suggested"
    assert [one.name for one in case.record.held] == shown(case)
    assert journal(case) == [
        ("suggest-label", "bug", "done", 1),
        ("suggest-label", "area/login", "done", 2),
        ("suggest-label", "regression", "done", 3),
    ]


def test_without_a_comment_there_is_none() -> None:
    case = holding(ANSWER, config="mode: suggest\ncomment: {post: never}")
    case.job()
    assert (len(shown(case)), case.comments) == (3, [])


def test_in_apply_mode_unsure_labels_are_suggested() -> None:
    case = holding(ANSWER, config="")
    case.job()
    assert (shown(case), case.labels) == (["regression"], ["bug", "area/login"])
    assert "- **Labels:** `bug`, `area/login`.\n" in case.comments[0]
    assert "regression" not in case.comments[0]


def test_where_suggestions_are_off_the_comment_lists_them() -> None:
    case = make_case(ANSWER)
    case.job()
    assert "Suggested, not applied: `regression`" in case.comments[0]


@pytest.mark.parametrize("config", ["mode: dry-run", "mode: off"])
def test_where_nothing_may_be_written_nothing_is_suggested(config: str) -> None:
    case = holding(ANSWER, config=config)
    case.job()
    assert shown(case) == []


def test_a_type_is_suggested_with_the_labels() -> None:
    case = holding(ANSWER)
    case.forge.types = TYPES
    case.job()
    assert shown(case) == ["Bug", "area/login", "regression"]
    assert case.forge.current.type == ""
    assert "Type" not in case.comments[0]
    assert journal(case)[0] == ("suggest-type", "Bug", "done", 1)


def test_a_label_that_is_not_held_is_listed_in_the_comment() -> None:
    case = holding(ANSWER)
    case.forge.deleted.add("bug")
    case.job()
    assert shown(case) == ["area/login", "regression"]
    assert "- **Labels:** Suggested, not applied: `bug`" in case.comments[0]
    assert ("suggest-label", "bug", "refused", 0) in journal(case)


@pytest.mark.parametrize("error", [Forbidden("403"), Forbidden("422"), NotFound("404")])
def test_a_refused_request_leaves_the_labels_that_are_applied(error: TaglineError) -> None:
    case = holding(ANSWER, config="")
    case.forge.fail("suggest_labels", error)
    case.job()
    assert (shown(case), case.labels) == ([], ["bug", "area/login"])
    assert "Suggested, not applied: `regression`" in case.comments[0]


@pytest.mark.parametrize("error", [Forbidden("403"), Forbidden("422"), NotFound("404")])
def test_a_refused_type_is_listed_in_the_comment(error: TaglineError) -> None:
    case = holding(ANSWER)
    case.forge.types = TYPES
    case.forge.fail("suggest_type", error)
    case.job()
    assert shown(case) == ["area/login", "regression"]
    assert "- **Type:** Suggested, not applied: `Bug`" in case.comments[0]


def test_the_model_s_answer_replaces_suggestions_of_rules() -> None:
    case = holding(DOWN, OTHER)
    case.job()
    by_rules = shown(case)
    assert by_rules[:2] == ["bug", "needs-review"]
    case.job("heal", tries=2)
    assert (shown(case), shown(case, "dismissed")) == (["documentation"], by_rules)
    assert [x[:3] for x in journal(case) if x[0] == "dismiss-suggestion"] == [
        ("dismiss-suggestion", name, "done") for name in by_rules
    ]
    assert [one.name for one in case.record.held] == ["documentation"]


def test_a_suggestion_of_another_program_is_neither_repeated_nor_dismissed() -> None:
    case = holding(ANSWER, OTHER)
    case.job()
    other = HeldSuggestion(99, "documentation", reason="The manual is wrong.")
    assert case.forge.suggestions
    case.forge.suggestions.append(other)
    case.job("manual", tries=2)
    assert shown(case) == ["documentation"]
    assert case.record.held == ()
    assert other in case.forge.suggestions


def test_a_suggestion_stays_the_bot_s_when_its_reason_changes() -> None:
    other = model_reply("It is dead.", ("bug", "sure", "another reason"))
    case = holding(ANSWER, other, OTHER)
    case.job()
    case.job("manual", tries=2)
    assert shown(case) == ["bug"]
    assert [one.name for one in case.record.held] == ["bug"]
    case.job("manual", tries=3)
    assert shown(case) == ["documentation"]


def test_without_a_store_nothing_is_suggested_twice() -> None:
    case = holding(ANSWER, ANSWER, config="mode: suggest\ncomment: {post: never}")
    case.job()
    case.store = MemoryStore()
    case.job("manual", tries=1)
    assert shown(case) == ["bug", "area/login", "regression"]


def test_no_reason_is_stored() -> None:
    case = holding(ANSWER)
    case.job()
    assert [one.reason for one in case.record.held] == ["", "", ""]
    assert case.forge.reasons["bug"].reason == "does nothing"


def test_what_a_person_dismissed_is_not_suggested_again() -> None:
    case = holding(ANSWER, ANSWER)
    case.job()
    case.forge.person_dismisses("bug")
    case.job("manual", tries=2)
    assert shown(case) == ["area/login", "regression"]
    assert "bug" not in case.comments[0].partition("<!--")[0]


@pytest.mark.parametrize("method", ["suggest_labels", "list_suggestions", "post_comment"])
@pytest.mark.parametrize("done", [True, False])
def test_an_interrupted_try_suggests_nothing_twice(method: str, done: bool) -> None:
    case = holding(ANSWER, ANSWER)
    case.interrupt(method, Retry("502"), done=done)
    case.job(tries=2)
    assert shown(case) == ["bug", "area/login", "regression"]
    assert len(case.comments) == 1
    assert "Labels" not in case.comments[0]


def test_after_the_feature_was_switched_off_the_comment_lists_the_labels() -> None:
    case = holding(ANSWER, ANSWER)
    case.job()
    case.forge.suggestions = None
    case.job("manual", tries=2)
    assert "Suggested, not applied: `bug`, `area/login`, `regression`" in case.comments[0]


def test_a_suggestion_of_a_label_that_a_person_set_is_not_made() -> None:
    case = holding(ANSWER)
    case.forge.current = replace(case.forge.current, labels=("bug",))
    case.job()
    assert shown(case) == ["area/login", "regression"]


def test_a_label_that_the_repository_lacks_stays_in_the_comment() -> None:
    case = holding(
        model_reply("It is slow.", ("performance", "sure", "slow"), ("bug", "sure", "slow")),
        labels=(Label("bug"),),
    )
    case.job()
    assert shown(case) == ["bug"]
    assert "Suggested, not applied: `performance`" in case.comments[0]
