"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from bot.core.text.counts import format_count


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ["issue"], "0 issues"),
        (1, ["issue"], "1 issue"),
        (2, ["issue"], "2 issues"),
        (2_000, ["labelled issue"], "2,000 labelled issues"),
        (1, ["entry", "entries"], "1 entry"),
        (3, ["entry", "entries"], "3 entries"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, words: list[str], text: str) -> None:
    assert format_count(number, *words) == text
