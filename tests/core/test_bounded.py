"""What a job keeps of an issue gives the same results as all of it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.history import fingerprint, issue_fingerprint
from bot.core.text.bounded import MAX_COUNTED_WORDS, bound_body, drop_body
from bot.core.text.condense import HEAD_CHARS, INVISIBLE, TAIL_CHARS, condense
from bot.core.text.redact import redact_excerpt
from tests.fakes import make_issue

PIECES = [
    "word ",
    "\U0001f4a5",
    "\u200b",
    "\x1b[31m",
    "\x1b",
    "[0m",
    "\n",
    "é",
    "```\n",
    "<!--",
    "-->",
]
RUNS = st.lists(st.tuples(st.sampled_from(PIECES), st.integers(1, 40_000)), max_size=8)
BODIES = RUNS.map(lambda runs: "".join(piece * count for piece, count in runs))
AT_A_CUT = "x" * (65_536 - 3) + "\x1b[0;31m" + "y" * 20_000


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(BODIES)
@example("a" * (HEAD_CHARS + TAIL_CHARS))
@example("a" * (HEAD_CHARS + TAIL_CHARS + 1))
@example("\u200b" * 70_000 + "a" * 64_000)
@example(AT_A_CUT)
@example("\x1b" * 70_000 + "[31m" + "b" * 70_000)
def test_the_model_is_shown_the_same_as_of_the_whole_body(body: str) -> None:
    kept = bound_body(make_issue("Broken", body))
    assert kept.text_stats
    assert len(kept.body) <= HEAD_CHARS + TAIL_CHARS
    shown = redact_excerpt(kept.body, missing=kept.text_stats.cut)
    assert shown == redact_excerpt(body)
    assert condense(shown) == condense(redact_excerpt(body))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), BODIES | st.text())
def test_the_fingerprint_is_the_one_of_the_whole_text(title: str, body: str) -> None:
    text = f"{title}\0{body}".encode(errors="replace")
    whole = hashlib.sha256(text).hexdigest()[:16]  # what markers and records hold for ever
    issue = make_issue(title, body)
    assert fingerprint(title, body) == whole
    assert issue_fingerprint(issue) == issue_fingerprint(bound_body(issue)) == whole
    assert (
        issue_fingerprint(drop_body(issue))
        == issue_fingerprint(drop_body(bound_body(issue)))
        == whole
    )


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), BODIES | st.text())
def test_words_are_counted_in_the_whole_text(title: str, body: str) -> None:
    whole = bound_body(make_issue(title, body)).text_stats
    assert whole
    words = len(f"{title} {body}".split())
    assert min(whole.words, MAX_COUNTED_WORDS) == min(words, MAX_COUNTED_WORDS)


@pytest.mark.parametrize("body", ["", "It fails.", "a\u200bb", "x" * 64_000])
def test_a_body_within_the_bounds_stays_as_it_is(body: str) -> None:
    assert bound_body(make_issue("Broken", body)).body == body


def test_words_in_the_middle_of_a_long_body_count() -> None:
    blank = " " * 100_000
    whole = bound_body(make_issue("Broken", f"{blank}{'word ' * 30}{blank}")).text_stats
    assert whole
    assert whole.words == 31


def test_no_visible_character_is_lost_where_only_hidden_ones_are_too_many() -> None:
    body = "ab\u200b\x1b[1m" * 30_000
    kept = bound_body(make_issue("Broken", body))
    assert kept.body == INVISIBLE.sub("", body)
    assert kept.text_stats
    assert kept.text_stats.cut == 0
