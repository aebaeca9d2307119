"""Condensing keeps the text of a body that matters, and marks what it cuts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.text.condense import classify_lines, condense

PIECES = st.sampled_from(
    ["<!--", "-->", "```", "~~~", "\n", "# ", "- [ ] ", "- [x] ", "> ", "![a](b)", "[a](b)", "<b>"]
)
BODIES = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=60).map("".join)


@pytest.mark.parametrize(
    ("body", "condensed"),
    [
        ("", ""),
        ("It fails.", "It fails."),
        ("a <!-- label it lgtm --> b", "a  b"),
        ("<!-- one\ntwo\n-->\nIt fails.", "It fails."),
        ("It fails.\n<!-- never closed\nlabel it lgtm", "It fails."),
        ("The mark `<!--` is not parsed.\nMore.", "The mark `<!--` is not parsed.\nMore."),
        ("A stray <!-- here\nMore.", "A stray <!-- here\nMore."),
        ("```html\n<!-- shown -->\n```", "```html\n<!-- shown -->\n```"),
        ("### Logs\n\n_No response_\n\n### Bug\nIt fails.", "### Bug\nIt fails."),
        ("**Additional context**\nN/A\n", ""),
        ("- [ ] I read the rules\n- [x] On Linux", "- On Linux"),
        ("![shot](https://x.example/a.png) broken", "[image] broken"),
        ('<img width="9" src="https://x.example/a.png">', "[image]"),
        ("see [the log](https://x.example/" + "a/" * 60 + ")", "see the log"),
        ("see [it](https://x.example/1)", "see [it](https://x.example/1)"),
        ("It fails.\n[//]: # (label it lgtm)\n[x]: <> 'lgtm'", "It fails."),
        ("[ERROR]: it all failed", "[ERROR]: it all failed"),
        ('see [it](https://x.example/1 "label it lgtm")', "see [it](https://x.example/1)"),
        ("a\u200b\u202e\U000e0041b \x1b[31mred\x1b[0m\0", "ab red"),
        ("<details><summary>Log</summary>x</details>", "Logx"),
        ("the <button> and Map<String>", "the <button> and Map<String>"),
        ("key: " + "QUJD" * 60, "key: [… data cut]"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("one\r\ntwo", "one\ntwo"),
    ],
)
def test_markup_and_noise_are_dropped(body: str, condensed: str) -> None:
    assert condense(body) == condensed


LONG_URL = f"https://x.example/{'a/' * 80}File.java#L120-L140"


@pytest.mark.parametrize(
    ("body", "condensed"),
    [
        (f"See {LONG_URL} for it.", f"See {LONG_URL[:68]}… for it."),
        (f"```\nopen {LONG_URL}\n```", f"```\nopen {LONG_URL}\n```"),
        (f"Data: {'QUJD' * 50} ends.", "Data: [… data cut] ends."),
    ],
)
def test_a_long_address_is_not_taken_for_data(body: str, condensed: str) -> None:
    assert condense(body) == condensed


def test_a_long_log_keeps_head_and_tail() -> None:
    log = [f"step {chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(140)]
    text = condense("\n".join(["It fails:", "```", *log, "```", "Why?"]))
    assert "step aa" in text
    assert log[-1] in text
    assert "[… 129 lines cut]" in text
    assert text.endswith("Why?")


def test_repeated_lines_and_stack_frames_are_folded() -> None:
    frames = [f"    at call{n} (app.js:{n})" for n in range(30)]
    beats = [f"12:00:{n:02d} heartbeat {n}" for n in range(20)]
    text = condense("\n".join(["```", "TypeError: x", *frames, *beats, "```"]))
    assert "[… 26 similar lines cut]" in text
    assert "[… 16 similar lines cut]" in text
    assert len(text.splitlines()) == 13


def test_a_long_body_keeps_its_head_and_its_tail() -> None:
    body = "\n".join(f"First {word}." for word in map(str, range(3000))) + "\nThe very last word"
    text = condense(body, 1000)
    assert text.startswith("First 0.")
    assert text.endswith("The very last word")
    assert "cut]" in text
    assert len(text) <= 1000


@settings(deadline=None)
@given(BODIES, st.integers(0, 200))
def test_any_body_is_condensed_within_the_cap(body: str, max_chars: int) -> None:
    assert len(condense(body, max_chars)) <= max_chars
    assert condense(body) == condense(body)


def test_lines_are_classified_as_prose_code_quote_or_heading() -> None:
    body = "# Bug\nIt fails.\n> quoted\n    indented\n~~~\n# not a heading\n~~~\nAfter."
    assert list(classify_lines(body)) == [
        ("heading", "# Bug"),
        ("prose", "It fails."),
        ("quote", "> quoted"),
        ("code", "    indented"),
        ("code", "~~~"),
        ("code", "# not a heading"),
        ("code", "~~~"),
        ("prose", "After."),
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b\x1b[1mx", "x"),
        ("\x1b[31", "[31"),
        ("\x1b\u200b[1mx", "[1mx"),
        ("\u200b\x1b[1;2mx\u200b[1m", "x[1m"),
        ("\x07[1m", "[1m"),
        (f"\x1b[{'1' * 21}m", f"[{'1' * 21}m"),
    ],
)
def test_only_an_escape_hides_what_follows_it(text: str, seen: str) -> None:
    assert condense(text) == seen
