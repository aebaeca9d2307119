"""Without a model the summary is the issue's own first sentence that says something."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.text.extractive_summary import extract_summary

TITLE = "Login is broken"


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ("The login button does nothing. I waited.", "The login button does nothing."),
        ("Hi all,\n\nThe login button does nothing.", "The login button does nothing."),
        ("Hello there! The login button does nothing.", "The login button does nothing."),
        ("### Describe the bug\nThe login button does nothing.", "The login button does nothing."),
        ("**Describe the bug:** The button does nothing.", "The button does nothing."),
        (
            "A clear and concise description of what the bug is.\n\nThe button does nothing.",
            "The button does nothing.",
        ),
        ("- [x] I have searched\n\nThe button does nothing.", "The button does nothing."),
        (
            "> Somebody else said that it works\n\nThe button is dead now.",
            "The button is dead now.",
        ),
        ("```\nThis is only code here\n```\nThe button is dead now.", "The button is dead now."),
        ("<!-- Say that all is well. -->\nThe button is dead now.", "The button is dead now."),
        (
            "| OS | Linux and more |\n|---|---|\n\nThe button is dead now.",
            "The button is dead now.",
        ),
        ("OS: Ubuntu 22.04 LTS\nBrowser: Firefox 131\n", TITLE),
        ("### Environment\nThis is a Mac with Linux on it.\n", TITLE),
        ("2026-01-02 10:00:00 ERROR it all went down here", TITLE),
        ("![shot](https://x.example/a.png)", TITLE),
        ("See [the **new** login](https://x.example/1) page fail.", "See the new login page fail."),
        ("We use e.g. Firefox for the tests. More.", "We use e.g. Firefox for the tests."),
        (
            "Fixed by version 2) of it, they said (see 1) here.",
            "Fixed by version 2) of it, they said (see 1) here.",
        ),
        ("_It has never worked here._", "It has never worked here."),
        ("The method __init__ is `__slow__` now.", "The method init is __slow__ now."),
        ("Fixes https://x.example/a/b/c\n\nThe button is dead now.", "The button is dead now."),
        ("The page of one\nuser is broken.\n\nMore.", "The page of one user is broken."),
        ("登录按钮在新版本中没有任何反应。请修复。", "登录按钮在新版本中没有任何反应。"),
        ("ログインボタンが動きません。確認してください。", "ログインボタンが動きません。"),
        ("Кнопка входа больше не работает. Почему?", "Кнопка входа больше не работает."),
        ("", TITLE),
        ("🎉🎉🎉", TITLE),
        ("```\nonly code\n```", TITLE),
        ("_No response_", TITLE),
        ("> It is slow.\n\n_Originally posted by @ann in https://x.example/1_", TITLE),
        (
            "Moved from the old tracker at https://x.example/7 today.\n\nIt is dead now, always.",
            "It is dead now, always.",
        ),
        ("def f(x):\n  y = f(x)\nThe button is dead now.", "The button is dead now."),
        (
            "import os\nfrom a.b import c\nprint(os.sep)\nThe button is dead now.",
            "The button is dead now.",
        ),
        (
            "package main\nfunc main() {\n  go work();\n}\nThe button is dead now.",
            "The button is dead now.",
        ),
        (
            "const button = find();\nif (button) {\n  button.press();\n}\nThe button is dead now.",
            "The button is dead now.",
        ),
        ("SELECT name FROM users WHERE id = 1\nThe button is dead now.", "The button is dead now."),
        (
            "Return to the page for a moment (it works).",
            "Return to the page for a moment (it works).",
        ),
        ("For a week this has been slow (I think).", "For a week this has been slow (I think)."),
        ("Import of big files fails every time", "Import of big files fails every time"),
    ],
)
def test_the_first_meaningful_sentence_is_the_summary(body: str, summary: str) -> None:
    assert extract_summary(TITLE, body) == summary


def test_an_issue_without_words_gets_no_invented_summary() -> None:
    assert extract_summary("", "") == ""
    assert extract_summary("🎉", "🎉") == "🎉"


def test_a_long_sentence_is_cut_at_a_word() -> None:
    summary = extract_summary("", "The button " + "really " * 60 + "fails.")
    assert summary.startswith("The button really")
    assert summary.endswith("really…")
    assert len(summary) <= 150


def test_a_long_sentence_without_blanks_is_cut_too() -> None:
    summary = extract_summary("", "登录按钮在新版本中没有任何反应" * 20)
    assert len(summary) == 150
    assert summary.endswith("…")


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=400), st.integers(10, 200))
def test_any_issue_has_a_summary_of_one_short_line(title: str, body: str, max_chars: int) -> None:
    summary = extract_summary(title, body, max_chars)
    assert len(summary) <= max_chars
    assert len(summary.splitlines()) <= 1
