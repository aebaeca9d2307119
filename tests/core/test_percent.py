"""How people read a share: with the same spelling in every table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bot
from bot.core.text.percent import format_share


@pytest.mark.parametrize(
    ("share", "text"), [(None, "-"), (0.0, "0 %"), (0.905, "90 %"), (0.996, "100 %"), (1, "100 %")]
)
def test_a_share_is_a_whole_number_of_percent(share: float | None, text: str) -> None:
    assert format_share(share) == text


def test_nothing_formats_a_share_by_itself() -> None:
    files = [path for path in Path(bot.__path__[0]).rglob("*.py") if path.name != "percent.py"]
    assert len(files) > 100
    assert [path.name for path in files if re.search(r":\.\d%\}|f\} ?%", path.read_text())] == []
