"""The totals of `/metrics` are those of the forges, or the difference is named."""

from __future__ import annotations

from tests.chaos.totals import Series, compare_totals

QUEUE: dict[Series, float] = {
    ("tagline_queue_jobs", state): 0.0 for state in ("waiting", "later", "dead")
}
WRITES: dict[Series, float] = {
    ("tagline_writes_total", "github", "post-comment"): 2.0,
    ("tagline_writes_total", "github", "add-label"): 5.0,
    ("tagline_writes_total", "github", "remove-label"): 1.0,
}
ON_FORGES: dict[Series, int] = {
    ("github", "comments"): 2,
    ("github", "labels"): 4,
    ("gitlab", "comments"): 0,
    ("gitlab", "labels"): 0,
}


def test_equal_totals_pass() -> None:
    rows, wrong = compare_totals(QUEUE | WRITES, ON_FORGES)
    assert rows["github: labels, /metrics and forge"] == "4 4"
    assert wrong == []


def test_a_comment_that_was_not_counted_is_named() -> None:
    _, wrong = compare_totals(QUEUE | WRITES, ON_FORGES | {("github", "comments"): 3})
    assert wrong == ["github: /metrics counts 2 comments, the forge holds 3"]


def test_a_dead_letter_is_named() -> None:
    _, wrong = compare_totals(QUEUE | WRITES | {("tagline_queue_jobs", "dead"): 1.0}, ON_FORGES)
    assert wrong == ["/metrics shows 1 jobs that are dead"]
