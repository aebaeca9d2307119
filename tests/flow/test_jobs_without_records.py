"""Jobs of a run that keeps no records, as in continuous integration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import Forbidden, ModelFailed
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.flow.render import render_content
from bot.store.no_store import NoStore
from tests.fakes import make_context, make_job
from tests.flow.issue_case import ANSWER, BY_MODEL, DOWN, IssueCase, make_case
from tests.memory_store import MemoryStore


def run(case: IssueCase, *, posts: bool = True, tries: int = 1) -> Outcome:
    """Run a job with a store that keeps nothing."""
    context = make_context(case.forge, case.model, MemoryStore())
    context = replace(context, store=NoStore(), keeps_records=False, posts=posts)
    return process(make_job(), context, tries)


def test_a_run_that_may_not_post_sets_labels_only() -> None:
    case = make_case(ANSWER)
    outcome = run(case, posts=False)
    assert (case.labels, case.comments, outcome.record.status) == (BY_MODEL, [], "quiet")


def test_a_run_that_may_not_post_edits_the_comment_that_is_there() -> None:
    case = make_case(ANSWER, ANSWER)
    run(case)
    case.forge.person_edits("Login button does nothing in Firefox 132", "Nothing happens.")
    (before,) = case.comments
    run(case, posts=False)
    (after,) = case.comments
    assert after != before


def test_the_plan_has_the_text_of_the_comment_that_is_not_written() -> None:
    silent, posted = run(make_case(ANSWER), posts=False), run(make_case(ANSWER))
    assert silent.plan
    assert posted.plan
    assert silent.plan.comment is None
    assert posted.plan.comment is not None
    assert posted.plan.comment.startswith(render_content(silent.plan.content))


@pytest.mark.parametrize("answer", [ANSWER, DOWN])
def test_a_label_that_a_person_removed_does_not_come_back(answer: str | ModelFailed) -> None:
    case = make_case(answer, answer)
    case.forge.person_adds("bug")
    case.forge.person_removes("bug")
    outcome = run(case)
    assert "bug" not in case.labels
    assert outcome.plan
    assert "bug" not in outcome.plan.add_labels


def test_a_label_that_was_removed_and_added_again_is_kept() -> None:
    case = make_case(ANSWER)
    case.forge.person_adds("bug")
    case.forge.person_removes("bug")
    case.forge.person_adds("bug")
    run(case)
    assert case.labels == BY_MODEL


def test_the_outcome_tells_refused_labels_from_those_that_are_gone() -> None:
    gone, refused = make_case(ANSWER), make_case(ANSWER)
    gone.forge.deleted |= {*BY_MODEL}
    refused.forge.fail("add_labels", *[Forbidden("not allowed")] * 3)
    assert run(gone).refusals == ()
    assert run(refused).refusals == ("not allowed",)
    assert (gone.labels, refused.labels) == ([], [])
