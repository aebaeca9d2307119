"""Older issues about the same thing are found, whatever the order of the candidates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.related import MAX_CANDIDATES, Related, RelatedCandidate
from bot.core.types import Issue, IssueRef
from bot.learn.similarity import SHOWN_AT, rank_related

NUMBER = 500
TITLES = (
    "Dark theme resets after an update",
    "Export to CSV loses the header row",
    "Scrolling stutters on large boards",
    "Add keyboard shortcuts for columns",
    "Wrong time zone in exported calendars",
    "Avatar upload rejects small pictures",
    "Search ignores archived boards",
    "Email digest arrives twice a day",
    "Undo restores deleted cards without labels",
    "Drag and drop fails on touch screens",
    "Sidebar overlaps the board menu",
    "Slow start with many attachments",
    "Webhook payload lacks the card author",
)
TEMPLATE = (
    "## Steps to reproduce\n{}\n## Environment\nLinux\n- [x] I have searched for duplicates\n"
)


def make_issue(title: str, body: str = "", number: int = NUMBER, created_at: float = 0.0) -> Issue:
    return Issue(
        ref=IssueRef("github", "github.com", "o/r", number),
        title=title,
        body=body,
        author="ann",
        is_bot=False,
        labels=(),
        is_open=True,
        locked=False,
        confidential=False,
        is_pull_request=False,
        created_at=created_at,
    )


def make_candidates(*more: RelatedCandidate) -> list[RelatedCandidate]:
    others = [RelatedCandidate(n, title) for n, title in enumerate(TITLES, 100)]
    return [*others, *more]


def find_related(issue: Issue, candidates: Sequence[RelatedCandidate]) -> list[Related]:
    return [related for related in rank_related(issue, candidates) if related.reasons]


LOGIN = RelatedCandidate(7, "Login dead after upgrade", "The login form shows nothing in Firefox.")
ISSUE = make_issue(
    "Login form is dead in Firefox after upgrading", "Since the upgrade it is empty."
)


def test_a_report_in_other_words_is_shown_with_the_words_that_both_titles_have() -> None:
    (related,) = find_related(ISSUE, make_candidates(LOGIN))
    assert related.candidate == LOGIN
    assert SHOWN_AT <= related.score < 1
    (reason,) = related.reasons
    assert reason.startswith("same title words: ")
    assert set(reason.removeprefix("same title words: ").split(", ")) <= set(ISSUE.title.split())


def test_unrelated_issues_are_not_shown() -> None:
    assert (
        find_related(make_issue("Fonts look blurry on a second monitor"), make_candidates()) == []
    )


def test_the_order_of_the_candidates_does_not_matter() -> None:
    candidates = make_candidates(LOGIN, replace(LOGIN, number=8), replace(LOGIN, number=9))
    expected = rank_related(ISSUE, candidates)
    for seed in range(5):
        shuffled = Random(seed).sample(candidates, len(candidates))
        assert rank_related(ISSUE, shuffled) == expected
    assert [x.candidate.number for x in expected[:3]] == [9, 8, 7]


@pytest.mark.parametrize(
    ("number", "created_at", "is_shown"),
    [
        (NUMBER - 1, 0.0, True),  # no time is known: the lower number is older
        (NUMBER + 1, 0.0, False),
        (NUMBER + 1, 50.0, True),  # moved here from another repository
        (NUMBER - 1, 150.0, False),
        (NUMBER - 1, 100.0, True),  # in the same second
        (NUMBER + 1, 100.0, False),
        (NUMBER, 50.0, False),  # the issue itself
    ],
)
def test_only_older_issues_are_shown(number: int, created_at: float, is_shown: bool) -> None:
    issue = make_issue(ISSUE.title, ISSUE.body, created_at=100.0)
    candidate = replace(LOGIN, number=number, created_at=created_at)
    found = [x.candidate.number for x in find_related(issue, make_candidates(candidate))]
    assert (number in found) == is_shown


def test_the_newest_hundred_are_compared() -> None:
    candidates = [replace(LOGIN, number=n) for n in range(1, 151)]
    ranked = rank_related(ISSUE, candidates)
    assert sorted(x.candidate.number for x in ranked) == list(range(51, 151))
    assert len(ranked) == MAX_CANDIDATES


def test_a_candidate_that_two_searches_found_counts_once() -> None:
    assert len(rank_related(ISSUE, [LOGIN, LOGIN])) == 1


def test_one_word_in_common_is_no_reason() -> None:
    issue, candidate = make_issue("Kanban"), RelatedCandidate(3, "Kanban")
    assert find_related(issue, make_candidates(candidate)) == []


def test_the_same_error_line_is_a_reason() -> None:
    trace = "It stops.\n\nValueError: could not convert string to float: '{}'\n"
    issue = make_issue("Import stops half-way", trace.format("1,5"))
    candidate = RelatedCandidate(4, "Import of numbers fails", trace.format("n/a"))
    (related,) = find_related(issue, make_candidates(candidate))
    assert related.reasons[0] == "same error line"


def test_the_same_stack_frames_are_a_reason() -> None:
    trace = "\tat app.board.Column.moveCard(Column.java:{})\n\tat app.board.Board.drop(B.java:1)\n"
    issue = make_issue("Crash while moving a card", trace.format(10))
    candidate = RelatedCandidate(4, "Moving cards crashes the board", trace.format(22))
    (related,) = find_related(issue, make_candidates(candidate))
    assert "same stack frames" in related.reasons


def test_the_text_of_a_template_is_not_compared() -> None:
    candidates = [
        RelatedCandidate(n, title, TEMPLATE.format(title)) for n, title in enumerate(TITLES, 1)
    ]
    issue = make_issue(
        "Fonts look blurry on a second monitor", TEMPLATE.format("Look at the text.")
    )
    assert find_related(issue, candidates) == []


HOSTILE = {
    "a megabyte of one word": "word " * 200_000,
    "a megabyte without a blank": "aB" * 500_000,
    "a megabyte of lines": "Error: x\n" * 110_000,
    "a megabyte of comments": "<!-- " * 200_000,
    "a megabyte of headings": "## a\n" * 200_000,
    "a megabyte of frames": "at a.b.c(" * 110_000,
    "a megabyte of quotes": "Error: '" * 125_000,
    "a megabyte of emoji": "🎉" * 1_000_000,
    "a megabyte of Chinese": "登录失败" * 250_000,
    "only a template": TEMPLATE.format(""),
    "nothing": "",
    "control characters": "\0\x1b[2J\ud800\u202e" * 1_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("title", ["x", "🎉🎉", "a" * 256, "登录失败", "", "A b " * 64])
def test_hostile_texts_are_compared_in_bounded_time(title: str, body: str) -> None:
    candidates = [RelatedCandidate(n, title, body) for n in range(1, MAX_CANDIDATES + 1)]
    issue = make_issue(title, body)
    start = time.process_time()
    found = find_related(issue, candidates)
    assert time.process_time() - start < 0.5
    assert found == find_related(issue, candidates[::-1])


TEXTS = st.text(max_size=200)


@given(TEXTS, TEXTS, st.lists(st.tuples(st.integers(1, 20), TEXTS, TEXTS), max_size=8))
def test_every_answer_is_older_and_has_a_reason(
    title: str, body: str, rows: list[tuple[int, str, str]]
) -> None:
    candidates = [RelatedCandidate(*row) for row in rows]
    for related in find_related(make_issue(title, body, number=10), candidates):
        assert related.candidate.number < 10
        assert related.candidate in candidates
        assert related.reasons
        assert SHOWN_AT <= related.score <= 1
