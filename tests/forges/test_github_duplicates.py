"""How GitHub names the original of a duplicate: events of GraphQL, and words in comments."""

from __future__ import annotations

from typing import Any

import pytest

from bot.forges.github.duplicates import choose_original, find_original

NAME, WEB = "acme/widget", "https://github.com"


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Duplicate of #5", 5),
        ("Thanks! Closing as duplicate of #5.", 5),
        ("duplicate of: #5", 5),
        ("DUPLICATE OF acme/widget#5", 5),
        ("a duplicate of https://github.com/acme/widget/issues/5#issuecomment-1", 5),
        ("> Duplicate of #5\n\nNo, it is not.", 0),
        ("Duplicate of acme/gadget#5", 0),
        ("Duplicate of https://github.com/acme/gadget/issues/5", 0),
        ("Duplicate of https://evil.example/acme/widget/issues/5", 0),
        ("Duplicate of #5000000000000", 0),
        ("Not a duplicate, see #5", 0),
        ("duplicate of # 5", 0),
        ("nonduplicate of #5", 0),
        ("", 0),
    ],
)
def test_a_comment_names_an_issue_of_its_repository(comment: str, expected: int) -> None:
    assert find_original(comment, WEB, NAME) == expected


def to(number: int, name: str = NAME) -> dict[str, Any]:
    return {"number": number, "repository": {"nameWithOwner": name}}


def marked(number: int, name: str = NAME) -> dict[str, Any]:
    return {"__typename": "MarkedAsDuplicateEvent", "canonical": to(number, name)}


def closed(number: int = 0, name: str = NAME) -> dict[str, Any]:
    return {"__typename": "ClosedEvent", "duplicateOf": to(number, name) if number else None}


UNMARKED = {"__typename": "UnmarkedAsDuplicateEvent"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([closed()], None),
        ([closed(5)], 5),
        ([marked(5), closed()], 5),
        ([marked(3), closed(5)], 5),
        ([closed(3), closed()], None),
        ([closed(3), UNMARKED, closed(5)], 5),
        ([marked(3), UNMARKED, closed()], None),
        ([closed(5, "Acme/Widget")], 5),
        ([closed(5, "acme/gadget")], 0),
        ([{"__typename": "MarkedAsDuplicateEvent", "canonical": {}}, closed()], None),
        ([None, "x", {}, {"__typename": 1, "canonical": {"number": "5"}}], None),
    ],
)
def test_the_newest_event_that_names_one_counts(events: list[Any], expected: int | None) -> None:
    assert choose_original(events, NAME) == expected
