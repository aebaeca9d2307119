"""What a model adds later, and what people change, between the jobs of an issue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import (
    ModelFailed,
    NotCovered,
    NotFound,
    RateLimited,
    Retry,
    WriteUncertain,
)
from bot.core.prompt import Prompt
from bot.core.types import Issue, IssueRef, JobKind, OwnComment
from bot.flow.render import read_marker
from tests.fakes import (
    REF,
    FakeForge,
    ScriptedModel,
    model_reply,
)
from tests.flow.issue_case import (
    ANSWER,
    BAD_GATEWAY,
    BODY,
    BY_MODEL,
    DOWN,
    TITLE,
    make_case,
)
from tests.memory_store import MemoryStore

# A model that works again replaces the result of the rules in place.


def test_a_model_that_works_again_adds_one_comment() -> None:
    case = make_case(DOWN, ANSWER)
    case.job()
    assert case.comments == []
    assert case.job(tries=2).record.status == "answered"
    assert len(case.comments) == 1
    assert set(case.labels) >= set(BY_MODEL)


def test_a_model_that_fails_later_leaves_its_comment_as_it_is() -> None:
    case = make_case(ANSWER, DOWN, config="{on: [opened, edited], comment: {on_fallback: true}}")
    case.job()
    before = case.comments
    case.forge.person_edits("Login button crashes", "Now it crashes with an exception.")
    case.job("edited")
    assert case.comments == before


# What people change.


def test_an_edited_issue_gets_its_comment_edited_in_place() -> None:
    second = model_reply("The logout link is gone.", ("documentation", "sure", ""))
    case = make_case(ANSWER, second, config="on: [opened, edited]")
    case.job()
    (before,) = case.forge.own_comments
    case.forge.person_edits("Logout link is gone", "It is gone since the upgrade to 4.3.")
    case.job("edited")
    (after,) = case.forge.own_comments
    assert after.id == before.id
    assert "The logout link is gone." in after.body
    assert case.labels == ["bug", "area/login", "documentation"]
    assert "- **Labels:** `bug`, `area/login`, `documentation`." in after.body


@pytest.mark.parametrize("kind", ["opened", "edited", "reopened", "manual"])
def test_a_comment_that_a_person_deleted_never_comes_back(kind: JobKind) -> None:
    case = make_case(ANSWER, config="on: [opened, edited, reopened]")
    case.job()
    case.forge.person_deletes_comment()
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    for _ in range(2):
        assert case.job(kind).record.why == "a person deleted the comment"
    assert case.comments == []


def test_a_deletion_is_remembered_after_a_skip_and_after_an_issue_not_found() -> None:
    case = make_case(ANSWER, config="on: [opened, edited]")
    case.job()
    case.forge.person_deletes_comment()
    case.forge.current = replace(case.forge.current, locked=True)
    assert case.job("edited").record.why == "locked"
    case.forge.fail("get_issue", NotFound("not found", may_be_lag=True))
    assert case.job("edited", tries=3).record.why == "not found"
    case.forge.current = replace(case.forge.current, locked=False)
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert case.job("edited").record.why == "a person deleted the comment"
    assert case.comments == []


def test_a_delivery_whose_account_lacks_the_repository_leaves_the_record_as_it_is() -> None:
    """The refusal shows nothing about the issue, answered or new."""
    case = make_case(ANSWER)
    refusal = NotCovered("out of reach: not found")
    case.forge.fail("get_issue", refusal)
    outcome = case.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", "out of reach: not found")
    assert case.store.record(REF.key) is None
    case.job()
    before = case.store.record(REF.key)
    case.forge.fail("get_issue", refusal)
    assert case.job("edited").record.status == "skipped"
    assert case.store.record(REF.key) == before


def test_a_comment_deleted_while_the_model_answers_is_not_posted_again() -> None:
    class DeletingModel(ScriptedModel):
        def complete(self, prompt: Prompt, parse: Any) -> Any:
            if case.forge.own_comments:
                case.forge.person_deletes_comment()
            return super().complete(prompt, parse)

    case = make_case(config="on: [opened, edited]")
    case.model = DeletingModel(ANSWER, ANSWER)
    case.job()
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert case.job("edited").record.status == "deleted"
    assert case.comments == []
    assert case.job("edited").record.why == "a person deleted the comment"


@pytest.mark.parametrize("answer", [ANSWER, DOWN], ids=["model", "rules"])
@pytest.mark.parametrize("redis_lost", [False, True])
def test_a_label_that_a_person_removed_does_not_come_back(
    answer: str | ModelFailed, redis_lost: bool
) -> None:
    case = make_case(ANSWER, answer, config="on: [opened, edited]")
    case.job()
    case.forge.person_removes("bug")
    case.forge.person_edits(TITLE, BODY + " It is a bug, it crashed again.")
    if redis_lost:
        case.store = MemoryStore()
    case.job("edited")
    assert "bug" not in case.labels
    assert all("`bug`" not in comment for comment in case.comments[1:])


def test_a_label_removed_during_an_outage_does_not_come_back_with_the_model() -> None:
    case = make_case(DOWN, ANSWER)
    case.job()
    case.forge.person_removes("bug")
    case.job(tries=2)
    assert "bug" not in case.labels
    assert len(case.comments) == 1


def test_a_removed_label_stays_off_after_an_interrupted_try() -> None:
    case = make_case(DOWN, ANSWER, ANSWER)
    case.job()
    case.forge.person_removes("bug")
    case.interrupt("add_labels", tries=2)
    case.job(tries=3)
    assert case.labels == ["area/login"]
    assert "`bug`" not in case.comments[0]


def test_a_label_that_a_person_removes_between_two_tries_stays_off() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("post_comment", RateLimited("wait", 60))
    case.forge.person_removes("bug")
    case.job()
    assert case.labels == ["area/login"]
    assert len(case.comments) == 1


@pytest.mark.parametrize("provider", [True, False], ids=["model", "rules"])
def test_a_label_added_without_a_response_stays_off_once_a_person_removed_it(
    provider: bool,
) -> None:
    case = make_case(ANSWER, ANSWER, provider=provider)
    case.interrupt("add_labels", WriteUncertain("GitHub failed (status 502)"), done=True)
    case.forge.person_removes("bug")
    case.job(tries=2)
    assert "bug" not in case.labels
    assert len(case.labels) == 1
    assert len(case.comments) == 1


def test_a_label_that_a_person_set_is_kept_and_not_recorded_as_the_bots() -> None:
    case = make_case(ANSWER, issue={"labels": ("bug", "mine")})
    case.job()
    assert case.labels == ["bug", "mine", "area/login"]
    marker = read_marker(case.comments[0])
    assert marker is not None
    assert marker.labels == ("area/login",)


class UncommentedForge(FakeForge):
    """Reports an issue as not commented, although it lists comments."""

    def get_issue(self, ref: IssueRef) -> Issue:
        return replace(super().get_issue(ref), comments=0)


def test_a_new_issue_without_comments_is_not_searched_for_the_bots() -> None:
    case = make_case(ANSWER)
    case.forge = UncommentedForge(case.forge.current, case.forge.repository)
    case.forge.fail("list_own_comments", *[BAD_GATEWAY] * 2)
    assert case.job().record.status == "answered"
    assert len(case.forge.errors["list_own_comments"]) == 1  # one listing, after the comment


def test_after_an_interrupted_try_comments_are_listed_whatever_their_number() -> None:
    case = make_case(ANSWER)
    case.forge = UncommentedForge(case.forge.current, case.forge.repository)
    case.interrupt("post_comment", Retry("the worker ended"), done=True)
    case.store = MemoryStore()
    assert case.job(tries=2).record.why == "already answered"
    assert len(case.comments) == 1


def test_a_comment_that_a_person_wrote_with_the_bots_account_is_not_overwritten() -> None:
    case = make_case(ANSWER)
    case.forge.own_comments = [OwnComment(7, "I can confirm this, it fails here too.")]
    case.job()
    assert case.comments[0] == "I can confirm this, it fails here too."
    assert len(case.comments) == 2
    assert read_marker(case.comments[1])
