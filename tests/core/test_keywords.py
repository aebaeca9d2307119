"""Without a model labels come from whole words, and from the repository's own spelling."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.config.schema import WordRule
from bot.core.labels.aliases import ALIASES
from bot.core.labels.cues import ASKS, REPORTS, REQUESTS, load_phrases
from bot.core.labels.keywords import (
    COMMON_TAGS,
    TYPES,
    label_for,
    match,
    match_rules,
)


def concepts(title: str, body: str = "") -> set[str]:
    return {found.concept for found in match(title, body) if found.certainty != "unsure"}


@pytest.mark.parametrize(
    ("title", "body", "concept"),
    [
        ("App crashes on save", "", "bug"),
        ("[Bug] Wrong total in the cart", "", "bug"),
        ("Save does nothing", "### Steps to reproduce\n1. Save\n### Actual behavior\nNo", "bug"),
        ("Saving fails", "Since today.\n```\nTraceback (most recent call last):\n```", "bug"),
        ("Add a dark mode", "", "feature-request"),
        ("Support for more languages", "It would be great to have.", "feature-request"),
        ("[Feature Request] Export to PDF", "", "feature-request"),
        ("Export", "### Describe the solution you'd like\nI would like one.", "feature-request"),
        ("How do I change the port?", "I could not find it.", "question"),
        ("Is it possible to use two databases?", "Thanks in advance", "question"),
        ("What is the difference?", "Hi, I tried both. Can someone explain it to me?", "question"),
        ("The list is slow", "It takes too long to load.", "performance"),
        ("Typo in the README", "", "documentation"),
        ("Submit button overlaps the sidebar", "", "frontend"),
        ("500 error from the server", "", "backend"),
        ("Migration fails on PostgreSQL", "", "database"),
        ("REST API returns the wrong status code", "", "api"),
        ("XSS in the comment box", "", "security"),
        ("Urgent: production is down", "", "urgent"),
    ],
)
def test_words_name_the_concept(title: str, body: str, concept: str) -> None:
    assert concept in concepts(title, body)


@pytest.mark.parametrize(
    ("title", "body", "concept"),
    [
        ("Build is red", "", "frontend"),  # b-ui-ld
        ("Guide for Linux", "", "frontend"),  # g-ui-de, lin-ux
        ("Platform information", "", "frontend"),  # plat-form
        ("Works on this platform only", "", "frontend"),
        ("Rapid capitals", "", "api"),  # r-api-d, c-api-tals
        ("Observer pattern", "", "backend"),
        ("Slowakia is missing", "", "performance"),
        ("Flag is missing", "", "performance"),  # f-lag
        ("Renewed address", "", "feature-request"),  # re-new-ed, add-ress
        ("Debugging", "", "bug"),
        ("Not urgent: wording of a tooltip", "", "urgent"),
        ("How do I open an issue?", "", "bug"),
        ("Rename `crash_on_error`", "", "bug"),
        ("Rename it", "```\nerror: crash\n```", "bug"),
        ("Rename it", "<!-- urgent, security, crash -->", "security"),
    ],
)
def test_parts_of_words_code_and_hidden_text_name_nothing(
    title: str, body: str, concept: str
) -> None:
    assert concept not in concepts(title, body)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Dark mode?", ""),  # a request
        ("Login button", "Any idea how to make it work? Thanks, I tried everything."),
        ("Crash on save?", "How do I fix this? Any help is appreciated. What am I doing wrong?"),
    ],
)
def test_a_question_is_only_suggested_without_strong_evidence(title: str, body: str) -> None:
    assert "question" not in concepts(title, body)


def test_an_issue_is_of_one_type_at_most() -> None:
    found = match("Bug? How to add a feature", "crash error would be nice how do I is it possible")
    assert sum(one.concept in TYPES for one in found) == 1


def test_an_issue_without_keywords_gets_no_type() -> None:
    assert match("Blue", "") == ()
    assert match("", "") == ()
    assert match("登录", "按钮") == ()


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Add secretcompany's export", "This would be useful"),
        ("Crash on save, please add a button", "Slow database, error, thanks"),
        ("How do I configure secretcompany?", "Any help is appreciated"),
        ("Save", "```\nTraceback (most recent call last):\n```"),
    ],
)
def test_the_evidence_is_from_our_table(title: str, body: str) -> None:
    signs = {REPORTS.name, REQUESTS.name, ASKS.name, "stack trace"}
    signs.add("question mark at the end of the title")
    for found in match(title, body):
        words = found.evidence.split(", ")
        assert all(word in signs or word.strip('"') in load_phrases().known for word in words)


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=300))
def test_any_issue_can_be_matched(title: str, body: str) -> None:
    found = match(title, body)
    assert len({one.concept for one in found}) == len(found)
    assert all(one.evidence for one in found)


@pytest.mark.parametrize(
    ("concept", "names", "label"),
    [
        ("bug", ["bug", "type::bug"], "bug"),
        ("bug", ["kind/bug", "area/x"], "kind/bug"),
        ("bug", ["type: bug"], "type: bug"),
        ("bug", ["Type::Bug"], "Type::Bug"),
        ("bug", ["T-bug"], "T-bug"),
        ("bug", ["C-bug"], "C-bug"),
        ("bug", ["🐛 Bug"], "🐛 Bug"),
        ("bug", [":bug: bug"], ":bug: bug"),
        ("bug", ["Bug Report"], "Bug Report"),
        ("bug", ["good first bug", "debug", "bugfix-2.x"], None),
        ("feature-request", ["enhancement"], "enhancement"),
        ("feature-request", ["kind/feature"], "kind/feature"),
        ("feature-request", ["type: feature request"], "type: feature request"),
        ("feature-request", ["Feature_Request", "enhancement"], "Feature_Request"),
        ("feature-request", ["feature freeze"], None),
        ("frontend", ["area/ui"], "area/ui"),
        ("frontend", ["Front-End", "ui"], "Front-End"),
        ("ui/ux", ["UI/UX"], "UI/UX"),
        ("api", ["area/api"], "area/api"),
        ("documentation", ["docs"], "docs"),
        ("question", ["type/question"], "type/question"),
        ("urgent", ["priority: critical"], "priority: critical"),
        ("bug", [], None),
        ("no such concept", ["bug"], None),
    ],
)
def test_a_concept_takes_the_repositorys_own_spelling(
    concept: str, names: list[str], label: str | None
) -> None:
    assert label_for(concept, names) == label


def test_every_concept_has_spellings_and_every_common_tag_is_one() -> None:
    assert set(COMMON_TAGS) <= set(ALIASES)
    assert {*load_phrases().topics, *TYPES} == set(ALIASES)


@pytest.mark.parametrize(
    ("title", "body", "rule", "phrase"),
    [
        ("It will crash", "", WordRule("bug", ("crash",)), "crash"),
        ("It Crash", "", WordRule("bug", ("CRASH",)), "CRASH"),
        ("It crashes", "", WordRule("bug", ("crash",)), None),
        ("x", "error: no", WordRule("bug", ("crash", "error:")), "error:"),
        ("x", "terror: no", WordRule("bug", ("error:",)), None),
        ("C++ only", "", WordRule("cpp", ("c++",)), "c++"),
        ("does  not\nwork", "", WordRule("bug", ("does not work",)), "does not work"),
        ("crash by a typo", "", WordRule("bug", ("crash",), ("typo",)), None),
        ("x", "```\nerror: no\n```", WordRule("bug", ("error:",)), "error:"),
        ("x", "<!-- crash -->", WordRule("bug", ("crash",)), None),
        ("登录时崩溃了", "", WordRule("bug", ("崩溃",)), "崩溃"),
        ("crash", "", WordRule("bug", ()), None),
        ("crash", "", WordRule("bug", ("", " ")), None),
        ("a.b", "", WordRule("bug", ("a+b", "a.b")), "a.b"),
    ],
)
def test_a_maintainers_rule_matches_whole_words(
    title: str, body: str, rule: WordRule, phrase: str | None
) -> None:
    assert match_rules(title, body, [rule]) == (((rule.label, phrase),) if phrase else ())


@pytest.mark.parametrize(
    "piece", ["a", "how to ", "\n", "x_y", "aB", "漢", "error: ", "```\n", "? ", "\t" * 990 + "\n"]
)
def test_a_megabyte_of_any_text_is_matched_within_half_a_second(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    start = time.process_time()
    match(text, text)
    match_rules(text, text, [WordRule("bug", ("crash", "error: ok"))] * 20)
    assert time.process_time() - start < 0.5
