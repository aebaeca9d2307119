"""Jobs that label the issues of the past."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import RateLimited
from bot.core.types import Job, Rate
from bot.flow.plan import Outcome
from bot.flow.process import process
from bot.store.no_store import NoRateLimiter
from tests.fakes import DAY, NOW, make_context, make_job
from tests.flow.issue_case import ANSWER, BY_MODEL, IssueCase, make_case
from tests.memory_store import MemoryStore


class BusyRateLimiter(NoRateLimiter):
    def reserve(self, account: str, issue: str, rate: Rate) -> float:
        return 60.0


class BusyStore(MemoryStore):
    """Has no place left for a comment."""

    def __init__(self) -> None:
        super().__init__()
        self.rate_limiter = BusyRateLimiter()


def run(case: IssueCase, *, labels_only: bool = True, closed_too: bool = False) -> Outcome:
    context = make_context(case.forge, case.model, case.store)
    context = replace(context, labels_only=labels_only, closed_too=closed_too)
    return process(make_job("backfill"), context, 1)


def test_an_old_issue_gets_labels_and_no_comment() -> None:
    case = make_case(ANSWER, issue={"created_at": NOW - 900 * DAY})
    outcome = run(case)
    assert (case.labels, case.comments, outcome.record.status) == (BY_MODEL, [], "quiet")


def test_a_comment_is_written_where_it_may() -> None:
    case = make_case(ANSWER, issue={"created_at": NOW - 900 * DAY})
    outcome = run(case, labels_only=False)
    assert (len(case.comments), outcome.record.status) == (1, "answered")


def test_the_bot_s_comment_that_is_there_shows_what_is_set() -> None:
    case = make_case(ANSWER, ANSWER)
    case.job()
    case.forge.person_edits("The login button crashes", "It crashed with an exception today.")
    (before,) = case.comments
    run(case)
    (after,) = case.comments
    assert after != before


def test_nothing_is_suggested_on_the_forge() -> None:
    case = make_case(ANSWER)
    case.forge.suggestions = []
    run(case)
    assert (case.labels, case.forge.suggestions) == (BY_MODEL, [])


def test_no_place_among_the_comments_of_a_minute_is_reserved() -> None:
    case = make_case(ANSWER, store=BusyStore())
    run(case)
    assert case.labels == BY_MODEL
    with pytest.raises(RateLimited):
        run(make_case(ANSWER, store=BusyStore()), labels_only=False)


def test_a_label_that_a_person_removed_years_ago_does_not_come_back() -> None:
    case = make_case(ANSWER)
    case.forge.person_adds("bug")
    case.forge.person_removes("bug")
    run(case)
    assert "bug" not in case.labels


@pytest.mark.parametrize("closed_too", [True, False])
def test_a_closed_issue_is_labelled_where_it_is_asked_for(closed_too: bool) -> None:
    case = make_case(ANSWER, issue={"is_open": False})
    outcome = run(case, closed_too=closed_too)
    assert case.labels == (BY_MODEL if closed_too else [])
    assert outcome.record.why == ("" if closed_too else "closed")


def test_an_issue_that_was_answered_is_left_as_it_is() -> None:
    case = make_case(ANSWER)
    case.job()
    before = [*case.forge.writes]
    outcome = run(case)
    assert (outcome.record.status, outcome.record.why) == ("unchanged", "already answered")
    assert case.forge.writes == before


def test_the_kind_needs_no_event() -> None:
    case = make_case(ANSWER, config="on: []")
    job = Job("b", "backfill", case.forge.current.ref, NOW)
    context = replace(make_context(case.forge, case.model, case.store), labels_only=True)
    assert process(job, context).record.status == "quiet"
