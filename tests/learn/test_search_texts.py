"""What issues are compared and searched by: terms, templates, error lines and stack frames."""

from __future__ import annotations

import pytest

from bot.learn.common_words import FILE, load_shares, load_term_shares
from bot.learn.fingerprints import find_errors, find_frames
from bot.learn.templates import strip_templates
from bot.learn.terms import cut_ending, list_terms, list_words, map_terms


@pytest.mark.parametrize(
    "words",
    [
        "crash crashes crashed crashing",
        "file files filing",
        "query queries",
        "stop stopping stopped stops",
        "box boxes",
        "user users user's users’",
        "HttpServer HTTPServer http_server",
    ],
)
def test_forms_of_a_word_are_one_term(words: str) -> None:
    first, *others = (list_terms(word) for word in words.split())
    assert others == [first] * len(others)


@pytest.mark.parametrize("word", ["status", "class", "need", "string", "this", "es"])
def test_other_endings_stay(word: str) -> None:
    assert list_terms(word) == [word]


def test_terms_of_other_scripts() -> None:
    assert list_terms("naïve 登录失败 Ошибка") == ["naïve", "登录", "录失", "失败", "ошибка"]
    assert list_words("登录失败", 3) == ["登录失", "录失败"]


def test_words_are_as_people_wrote_them() -> None:
    assert list_words("Don't use HttpServer 2.9 in foo_bar!") == [
        "dont",
        "use",
        "httpserver",
        "in",
        "foo",
        "bar",
    ]


def test_a_term_has_the_first_word_that_has_it() -> None:
    assert map_terms("HttpServer crashes; server crash") == {
        "http": "HttpServer",
        "server": "HttpServer",
        "crash": "crashes",
    }


@pytest.mark.parametrize(
    ("word", "beginning"),
    [
        ("crashing", "crash"),
        ("queries", "quer"),
        ("files", "files"),  # "fil" would find "filter"
        ("login", "login"),
        ("ios", "ios"),
        ("登录", "登录"),
    ],
)
def test_the_beginning_that_forms_of_a_word_share(word: str, beginning: str) -> None:
    assert cut_ending(word) == beginning


def test_lines_that_several_bodies_have_are_removed() -> None:
    bodies = [
        f"<!-- Hint -->\n### Steps\nOpen board {n}\n- [x] I read the manual\n**OS:** Linux {n}"
        for n in range(3)
    ]
    assert [body.split() for body in strip_templates(bodies, 500)] == [
        ["Open", "board", str(n)] for n in range(3)
    ]


def test_a_line_of_two_bodies_stays() -> None:
    assert strip_templates(["It fails on startup"] * 2, 500) == ["It fails on startup"] * 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError: bad value '1,5' in column 3", "ValueError: bad value 'n/a' in column 12"),
        (
            "java.lang.IllegalStateException: no board at 0x7f3a in /home/ann/app.db",
            "java.lang.IllegalStateException: no board at 0x11ff in /srv/app.db",
        ),
        (
            "2026-01-02 10:11:12 ERROR [main] failed to connect: host 10.0.0.1:9000 refused",
            "2025-12-30 01:02:03 ERROR [main] failed to connect: host 10.2.0.7:80 refused",
        ),
        (
            "TypeError: Cannot read properties of undefined",
            "x TypeError: Cannot read properties of undefined",
        ),
    ],
)
def test_an_error_line_is_the_same_but_for_what_varies(one: str, other: str) -> None:
    (error,) = find_errors(f"It stops:\n{one}\n")
    assert error.is_in(f"Hello\n{other}\nthanks")
    assert not error.is_in(f"Hello\n{other[: len(other) // 2]}\nthanks")


@pytest.mark.parametrize(
    "text", ["", "Error: 5", "error:", "It is an error", "ERROR 0x12: /a/b", "no error at all"]
)
def test_what_says_too_little_is_no_error_line(text: str) -> None:
    assert find_errors(text) == ()


def test_functions_of_stack_frames() -> None:
    text = (
        "\tat org.example.Board.moveCard(Board.java:12)\n"
        "    at async Object.<anonymous> (/srv/index.js:3:9)\n"
        '  File "/home/ann/lib/boards.py", line 3, in move\n'
        "#3  0x00007f3a in g_main_loop_run (loop=0x0)\n"
        "at 10 o'clock (sharp)\n"
    )
    assert find_frames(text) == (
        "org.example.Board.moveCard",
        "Object.<anonymous>",
        'boards.py", line',
        "g_main_loop_run",
    )


def test_the_table_of_common_words_is_small_and_readable() -> None:
    shares = load_shares()
    assert 300 < len(shares) <= 400
    assert all(0.01 <= share <= 0.5 and word.isalpha() for word, share in shares.items())
    assert shares["the"] > shares["error"] > shares["simple"]
    assert load_term_shares()["work"] == max(shares["work"], shares["works"], shares["working"])
    lines = FILE.read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if line[0] != "#" for word in line.split(": ")[1].split()]
    assert len(words) == len(set(words))
