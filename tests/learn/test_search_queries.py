"""The words that a forge is searched for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.related import SearchQuery
from bot.core.types import Label
from bot.learn.features import Part, extract_features, hash_feature
from bot.learn.frequencies import NO_FREQUENCIES, WordFrequencies, read_frequencies
from bot.learn.model import Example
from bot.learn.search_queries import MAX_OR_WORDS, make_and_queries, make_or_queries
from bot.learn.train import train

TITLE = "The login form crashes after an upgrade of Firefox in dark mode"
BODY = "Since yesterday the login form crashes.\n\nTypeError: Cannot read properties of undefined\n"


def test_one_search_has_words_of_the_title_and_one_those_of_the_error_line() -> None:
    titles, errors = make_or_queries(TITLE, BODY, issues=1_000)
    assert titles.match == errors.match == "any"
    assert set(titles.words) == {"login", "form", "crashes", "upgrade", "firefox", "dark"}
    assert {"typeerror", "properties", "undefined"} <= set(errors.words)
    assert len(errors.words) == MAX_OR_WORDS


def test_without_an_error_line_the_second_search_has_words_of_the_body() -> None:
    _, bodies = make_or_queries(TITLE, "The browser freezes while typing.", issues=1_000)
    assert {"browser", "freezes", "typing"} <= set(bodies.words)


def test_a_search_for_every_word_has_one_word_without_its_ending() -> None:
    assert make_and_queries(TITLE, BODY, issues=1_000) == tuple(
        SearchQuery((word,), "all") for word in ("login", "form", "crash")
    )


def test_a_word_that_many_issues_of_the_repository_have_is_searched_last() -> None:
    frequencies = WordFrequencies({hash_feature(Part.TITLE, "login"): 400}, 1_000)
    words = [query.words[0] for query in make_and_queries(TITLE, BODY, 1_000, frequencies)]
    assert words == ["form", "crash", "upgrad"]


def test_the_frequencies_are_those_of_the_classifier() -> None:
    titles = ["Login crashes", "Login form is empty", "Dark mode", "Add a dark theme"] * 10
    examples = [
        Example(extract_features(title, ""), ("bug" if n % 4 < 2 else "feature",), float(n))
        for n, title in enumerate(titles)
    ]
    model = train(examples, [Label("bug"), Label("feature")], 0.9, 0.0)
    frequencies = read_frequencies(model)
    assert frequencies.share("login") == 0.5
    assert frequencies.share("form") == 0.25
    assert frequencies.share("quokka") == NO_FREQUENCIES.share("quokka")
    assert read_frequencies(None) == NO_FREQUENCIES


@pytest.mark.parametrize("title", ["", "🎉🎉", "a", "I", "a" * 256, "42"])
def test_a_title_without_words_is_not_searched(title: str) -> None:
    queries = [*make_or_queries(title, "", 10), *make_and_queries(title, "", 10)]
    assert all(word for query in queries for word in query.words)
    assert bool(queries) == (len(title) == 256)


def test_words_of_a_script_without_blanks() -> None:
    assert [query.words for query in make_and_queries("登录失败", "", 10)] == [
        ("登录失",),
        ("录失败",),
    ]
    assert make_or_queries("登录失败", "", 10)[0].words == ("登录", "录失", "失败")


@pytest.mark.parametrize("body", ["word " * 200_000, "Error: x" * 120_000, "登" * 1_000_000])
def test_a_megabyte_is_read_in_bounded_time(body: str) -> None:
    start = time.process_time()
    make_or_queries(body, body, 10)
    make_and_queries(body, body, 10)
    assert time.process_time() - start < 0.2


@given(st.text(), st.text(), st.integers(0, 10**6))
def test_words_have_letters_and_digits_only(title: str, body: str, issues: int) -> None:
    either, every = make_or_queries(title, body, issues), make_and_queries(title, body, issues)
    assert len(either) <= 2
    assert len(every) <= 3
    for query in (*either, *every):
        assert 1 <= len(set(query.words)) == len(query.words) <= MAX_OR_WORDS
        assert all(word.isalnum() for word in query.words)
