"""Two spellings of one label's name are the same label, where exactly one label fits."""

from __future__ import annotations

import unicodedata

import pytest

from bot.core.labels.names import fold, name_finder

NAMES = ("🐛 bug", "⚠️ regression", ":books: docs", "Bücher", "area/login", "C", "C++", "UI", "ui-x")


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("🐛 bug", "🐛 bug"),
        ("bug", "🐛 bug"),
        ("Bug 🐞", "🐛 bug"),
        (":bug: bug", "🐛 bug"),
        ("⚠ regression", "⚠️ regression"),
        ("regression", "⚠️ regression"),
        ("📚 docs", ":books: docs"),
        (unicodedata.normalize("NFD", "bücher"), "Bücher"),
        ("\uff35\uff29", "UI"),
        ("area/login ", "area/login"),
        ("ui x", "ui-x"),
        ("UI_X", "ui-x"),
        ("c++", "C++"),
        ("c", "C"),
        ("`bug`", "🐛 bug"),
        ("- **docs**", ":books: docs"),
        ('"area/login"', "area/login"),
        ("login", None),
        ("buch", None),
        ("🐛", None),
        ("", None),
        ("-", None),
    ],
)
def test_a_spelling_means_the_only_label_that_fits(spelling: str, name: str | None) -> None:
    assert name_finder(NAMES)(spelling) == name


def test_where_several_labels_fit_only_an_exact_spelling_counts() -> None:
    find = name_finder(("🐛 bug", "🔥 bug", "Docs", "docs"))
    assert find("bug") is None
    assert find("🔥 bug") == "🔥 bug"
    assert [find("Docs"), find("docs"), find("DOCS")] == ["Docs", "docs", "Docs"]


def test_folded_names_differ_in_more_than_case_blanks_and_form() -> None:
    assert fold("  Good \t First ") == "good first"
    assert fold("⚠️") == fold("⚠")
    assert len({fold(name) for name in ("bug", "bugs", "🐛 bug", "b-ug", "bu g")}) == 5
