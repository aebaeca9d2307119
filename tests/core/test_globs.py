"""Globs match as fnmatch does, in bounded time."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.config.schema import LabelRules
from bot.core.labels.policy import usable_labels
from bot.core.text.globs import matches
from bot.core.types import Label

PATTERNS = st.text("ab/*?[]!-\n", max_size=8)


@given(st.text("ab/*?[]!-\n", max_size=8), st.lists(PATTERNS, max_size=5))
def test_a_list_of_globs_matches_what_one_of_them_matches(text: str, globs: list[str]) -> None:
    assert matches(text, tuple(globs)) == any(fnmatchcase(text, glob) for glob in globs)


@pytest.mark.parametrize("glob", ["*a" * 300 + "b", "a*" * 300 + "b", "*" * 900 + "b", "?*" * 300])
def test_many_stars_do_not_multiply_the_time(glob: str) -> None:
    started = time.process_time()
    matches("a" * 1000, (glob,))
    assert time.process_time() - started < 1


def test_many_globs_over_many_labels_take_little_time() -> None:
    labels = [Label(f"label {n}") for n in range(1000)]
    rules = LabelRules(deny=tuple(f"a{n}*" for n in range(500)), allow=("label 7",))
    started = time.process_time()
    assert usable_labels(labels, rules) == (labels[7],)
    assert time.process_time() - started < 2
