"""Which labels of the past may be learned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.labels.truth import PastIssue, find_own_labels, is_truth
from bot.core.types import Issue, Record
from tests.fakes import DAY, NOW, make_issue

OURS = Record("answered", labels=("Bug",))
SKIPPED = Record("skipped")


def issue(days: float, *, handled: bool, labels: tuple[str, ...] = ("bug", "docs")) -> Issue:
    """Return an issue that was opened so many days ago."""
    return replace(make_issue("Title", "", labels), created_at=NOW - days * DAY, handled=handled)


@pytest.mark.parametrize(
    ("past", "result"),
    [
        # Labels of people.
        (PastIssue(issue(1, handled=True)), True),
        (PastIssue(issue(1, handled=False), SKIPPED), True),
        (PastIssue(issue(1, handled=False, labels=("docs",)), OURS), True),  # ours was removed
        # A label of the bot.
        (PastIssue(issue(8, handled=True), OURS), True),
        (PastIssue(issue(8, handled=False), OURS), False),
        (PastIssue(issue(6, handled=True), OURS), False),
        (PastIssue(issue(8, handled=True), OURS, NOW - 6 * DAY), False),
        (PastIssue(issue(90, handled=True), OURS, NOW - 7 * DAY), True),
        # Whose labels they are is not known: the record has expired, or Redis has lost it.
        (PastIssue(issue(1, handled=False)), False),
        (PastIssue(issue(129, handled=False)), False),
        (PastIssue(issue(60, handled=False)), False),
        (PastIssue(issue(60, handled=True)), True),
        # From before the bot.
        (PastIssue(issue(131, handled=False)), True),
    ],
)
def test_labels_are_truth_if_people_set_or_kept_them(past: PastIssue, result: bool) -> None:
    assert is_truth(past, NOW - 100 * DAY, NOW) is result


def test_own_labels_are_those_that_are_still_there_in_the_repository_s_spelling() -> None:
    record = Record("answered", labels=("Bug", "gone"))
    assert find_own_labels(PastIssue(issue(1, handled=True), record)) == ("bug",)
