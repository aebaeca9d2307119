"""Numbers as people read them: with the same spelling everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bot
from bot.core.text.numbers import format_count, format_share


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


@pytest.mark.parametrize(
    ("share", "text"), [(None, "-"), (0.0, "0 %"), (0.905, "90 %"), (0.996, "100 %"), (1, "100 %")]
)
def test_a_share_is_a_whole_number_of_percent(share: float | None, text: str) -> None:
    assert format_share(share) == text


def test_nothing_formats_a_share_by_itself() -> None:
    files = [path for path in Path(bot.__path__[0]).rglob("*.py") if path.name != "numbers.py"]
    assert len(files) > 100
    assert [path.name for path in files if re.search(r":\.\d%\}|f\} ?%", path.read_text())] == []
