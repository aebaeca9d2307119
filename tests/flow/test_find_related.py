"""The search for older issues never fails a job, and keeps the limits of the forge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import (
    Forbidden,
    LockContended,
    NotFound,
    OperatorError,
    RateLimited,
    Retry,
    TaglineError,
    Unreachable,
)
from bot.core.related import RelatedCandidate, SearchQuery
from bot.flow.context import JobContext
from bot.flow.find_related import find_candidates
from tests.fakes import NOW, REF, FakeForge, make_context, make_issue
from tests.memory_store import MemoryStore

ISSUE = make_issue("Upload fails")
QUERIES = (SearchQuery(("upload", "fails"), "any"),)
OLDER = RelatedCandidate(12, "Upload stops")


class Case:
    """A forge that finds one issue, and what is logged."""

    def __init__(self) -> None:
        self.now = NOW
        self.forge = FakeForge(ISSUE)
        self.forge.related.found = (OLDER,)
        self.logged: list[dict[str, Any]] = []
        store = MemoryStore(lambda: self.now)
        self.context: JobContext = make_context(self.forge, None, store, log=self.log)

    def log(self, event: str, **fields: Any) -> None:
        self.logged.append({"event": event, **fields})

    def find(self) -> tuple[RelatedCandidate, ...]:
        return find_candidates(ISSUE, QUERIES, self.context)


def test_the_queries_and_the_title_are_sent() -> None:
    case = Case()
    assert case.find() == (OLDER,)
    assert case.forge.related.searches == [(QUERIES, ISSUE.title)]
    assert case.logged == []


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("GitHub refused the request (status 422): fails"),
        NotFound("not found"),
        Retry("GitHub failed (status 503)"),
        Unreachable("no response"),
        LockContended("busy"),
        OperatorError("refused"),
    ],
)
def test_after_an_error_there_are_none_and_one_line_without_text_says_so(
    error: TaglineError,
) -> None:
    case = Case()
    case.forge.related.errors = [error]
    assert case.find() == ()
    (line,) = case.logged
    assert line == {
        "event": "older issues not found",
        "issue": str(REF),
        "why": type(error).__name__,
    }
    assert len(case.forge.related.searches) == 1
    assert case.find() == (OLDER,)


def test_a_rate_limit_pauses_the_searches_of_the_account_and_no_job() -> None:
    case = Case()
    case.forge.related.errors = [RateLimited("wait", 90.0)]
    assert case.find() == ()
    case.now += 89
    assert case.find() == ()
    assert len(case.forge.related.searches) == 1
    assert case.context.rate_limiter.pause_left(REF.account_key) == 0
    case.now += 2
    assert case.find() == (OLDER,)


def test_over_the_budget_nothing_is_sent() -> None:
    case = Case()
    case.forge.related.per_minute = 2
    assert [case.find() for _ in range(3)] == [(OLDER,), (OLDER,), ()]
    assert len(case.forge.related.searches) == 2
    assert [line["why"] for line in case.logged] == ["limit of searches"]
    case.now += 61
    assert case.find() == (OLDER,)


def test_nothing_of_a_confidential_issue_is_sent() -> None:
    case = Case()
    assert find_candidates(replace(ISSUE, confidential=True), QUERIES, case.context) == ()
    assert case.forge.related.searches == []
