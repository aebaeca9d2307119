"""Words, queries and links of the searches for older issues."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.forges.github.client import GitHubClient
from bot.forges.github.search import MAX_QUERY, format_search
from bot.forges.related import choose_link, list_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Crash in foo.bar: can't open", ["Crash", "in", "foo", "bar", "can", "t", "open"]),
        ("this OR that and NOT (those)", ["this", "that", "those"]),
        ("-word repo:a/b @me #12 x_y", ["word", "repo", "a", "b", "me", "12", "x", "y"]),
        ("Größe größe Größe", ["Größe", "größe"]),
        ("फ़ाइल नहीं खुलती", ["फ़ाइल", "नहीं", "खुलती"]),  # its vowel signs are marks
        ("ＯＲ ｒｅｐｏ：ａ", ["repo", "a"]),
        ("a\u200bb\x00c\u202ed", ["a", "b", "c", "d"]),
        ("x" * 61 + " short", ["short"]),
        ("?! :(", []),
    ],
)
def test_only_words_are_left(text: str, words: list[str]) -> None:
    assert list(list_words([text])) == [unicodedata.normalize("NFKC", word) for word in words]


@given(st.text(), st.sampled_from(["any", "all"]))
def test_no_text_makes_a_query_too_long_or_adds_syntax(
    text: str, match: Literal["any", "all"]
) -> None:
    query = format_search("acme/widget", list_words([text]), match)
    assert len(query) <= MAX_QUERY
    assert query.endswith("repo:acme/widget is:issue")
    assert query.count(":") == 2
    assert not set(query) & set("\"'-@#>\\")
    assert query.count(" OR ") <= 5
    assert (query.count("("), query.count(")")) in ((0, 0), (1, 1))
    assert not {"AND", "NOT"} & set(query.split())


def test_a_long_name_leaves_fewer_words() -> None:
    name = f"{'o' * 39}/{'r' * 100}"
    words = [f"word{n:03d}" for n in range(100)]
    for match, most in (("all", 12), ("any", 6)):
        query = format_search(name, words, cast(Any, match))
        assert len(query) <= MAX_QUERY
        assert query.count("word") == most


GITHUB = ["https://github.com/acme/widget/issues/7"]
GITLAB = ["https://gitlab.com/a/b/c/-/issues/7", "https://gitlab.com/a/b/c/-/work_items/7"]


@pytest.mark.parametrize(
    ("url", "expected", "any_host", "link"),
    [
        (GITHUB[0], GITHUB, False, GITHUB[0]),
        ("https://github.com/Acme/Widget/issues/7", GITHUB, False, None),
        (f"{GITHUB[0]}?x=1#y", GITHUB, False, GITHUB[0]),
        (f"{GITHUB[0]} onclick=x", GITHUB, False, GITHUB[0]),
        (f"{GITHUB[0]})[x](https://evil.example)", GITHUB, False, GITHUB[0]),
        ("https://github.com/acme/widget/issues/8", GITHUB, True, GITHUB[0]),
        ("https://github.com/acme/widget/pull/7", GITHUB, True, GITHUB[0]),
        ("https://evil.example/acme/widget/issues/7", GITHUB, False, GITHUB[0]),
        ("https://github.com@evil.example/acme/widget/issues/7", GITHUB, True, GITHUB[0]),
        ("https://code.acme.example:8443/acme/widget/issues/7", GITHUB, True, None),
        ("javascript://github.com/acme/widget/issues/7", GITHUB, True, GITHUB[0]),
        ("//github.com/acme/widget/issues/7", GITHUB, True, GITHUB[0]),
        ("", GITHUB, True, GITHUB[0]),
        (None, GITHUB, True, GITHUB[0]),
        (GITLAB[1], GITLAB, False, GITLAB[1]),
        ("https://gitlab.com/a/b/-/issues/7", GITLAB, False, GITLAB[0]),
    ],
)
def test_a_link_is_the_forge_s_own_or_made_from_the_number(
    url: object, expected: Sequence[str], any_host: bool, link: str | None
) -> None:
    assert choose_link(url, expected, any_host=any_host) == (link or url)


@pytest.mark.parametrize(
    ("api", "web", "is_known"),
    [
        ("https://api.github.com", "https://github.com", True),
        ("https://api.acme.ghe.com", "https://acme.ghe.com", True),
        ("https://code.acme.example/api/v3", "https://code.acme.example", False),
    ],
)
def test_the_pages_of_a_server_are_found_by_the_address_of_its_api(
    api: str, web: str, is_known: bool
) -> None:
    client = GitHubClient(cast(Any, None), api)
    assert (client.web_url, client.is_public) == (web, is_known)
