"""Links between duplicates lead to an older issue that exists, whatever the links are."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.related import follow_duplicates


@pytest.mark.parametrize(
    ("links", "start", "expected"),
    [
        ({9: 5, 5: None}, 9, 5),
        ({9: 5, 5: 2, 2: None}, 9, 2),
        ({9: 2, 2: 5, 5: None}, 9, 5),  # the older one was closed in favour of a newer one
        ({9: None}, 9, None),
        ({}, 9, None),
        ({9: 9}, 9, None),
        ({9: 12, 12: None}, 9, None),  # newer than the issue
        ({9: 5, 5: 12, 12: None}, 9, 5),
        ({9: 5}, 9, None),  # it was deleted
        ({9: 5, 5: 3}, 9, 5),
        ({9: 5, 5: 3, 3: 7, 7: 5}, 9, 3),  # a circle
        ({9: 5, 5: 9}, 9, 5),
    ],
)
def test_the_end_of_the_links_is_the_answer(
    links: Mapping[int, int | None], start: int, expected: int | None
) -> None:
    assert follow_duplicates(links, start) == expected


NUMBERS = st.integers(1, 12)
LINKS = st.dictionaries(NUMBERS, st.none() | NUMBERS)


@given(LINKS, NUMBERS)
def test_an_answer_is_an_older_issue_that_exists(
    links: Mapping[int, int | None], start: int
) -> None:
    answer = follow_duplicates(links, start)
    assert answer is None or (answer in links and answer < start)


@given(LINKS, NUMBERS)
def test_following_answers_never_returns_to_the_start(
    links: Mapping[int, int | None], start: int
) -> None:
    seen, here = {start}, follow_duplicates(links, start)
    while here is not None:
        assert here not in seen
        seen.add(here)
        here = follow_duplicates(links, here)
