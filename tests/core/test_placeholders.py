"""What models write in place of a summary or a reason is not taken for one."""

from __future__ import annotations

import pytest

from bot.core.text.placeholders import is_reason, is_summary

TITLE = "Login button does nothing"


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("The button does nothing.", True),
        ("Login button does nothing in Firefox", True),
        ("Crash on start", True),
        ("登录按钮没有反应。", True),
        ("ログインできない", True),
        ("로그인 버튼이 작동하지 않음", True),
        ("{", False),
        ("[{name:", False),
        ("...", False),
        ("N/A", False),
        ("-", False),
        ("null", False),
        ("Summary", False),
        ("Summary: ...", False),
        ("Not available.", False),
        ("No summary provided", False),
        ("登录", False),
        ("12 34", False),
        ("", False),
        ("[unfinished task]", False),
        ("<one sentence about the login page>", False),
        ("**[Summary of the login issue]**.", False),
        ("（登录页面的摘要）", False),
        ("[Bug] The login button does nothing", True),
        ("[Bug] The login button does nothing (Firefox)", True),
        ("`login(user)` does nothing", True),
        (TITLE, False),
        ("login button: does nothing!", False),
    ],
)
def test_a_summary_is_more_than_a_placeholder_or_the_title(text: str, usable: bool) -> None:
    assert is_summary(text, TITLE) is usable


@pytest.mark.parametrize("text", ["crashed", "an exception", "崩", "HTTP 500", "is it a bug"])
def test_a_reason_has_a_word_that_says_something(text: str) -> None:
    assert is_reason(text)


@pytest.mark.parametrize(
    "text", ["", "the", "I", "a", "x", "N/A", "none", "it is", "...", "- -", "likely"]
)
def test_stop_words_and_single_letters_are_no_reason(text: str) -> None:
    assert not is_reason(text)
