"""Cues are properties of how people write: parts, phrases by meaning, signs, answers to forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core.labels.cues import (
    ASKS,
    DECLARED,
    PARTS,
    PHRASES_FILE,
    SEVERAL,
    SHAPE,
    SIGN,
    Cue,
    find_cues,
    find_phrases,
    load_phrases,
    read_issue,
)
from bot.core.labels.keywords import TYPES, WEIGHTS_FILE, load_weights


def cues(title: str, body: str = "") -> set[Cue]:
    issue = read_issue(title, body)
    return set(find_cues(issue, find_phrases(issue)))


@pytest.mark.parametrize(
    ("title", "body", "cue"),
    [
        ("App crashes", "", Cue("title", "crash")),
        ("App crashes", "", Cue(SHAPE, "short title")),
        ("Crash", "", Cue("title start", "crash")),
        ("[v2] Crash", "", Cue("title start", "crash")),
        ("x", "It crashes.", Cue("body", "crash")),
        ("x", "Crash", Cue("body start", "crash")),
        ("x", "Crash, segfault, it panics", Cue("body", "crash", SEVERAL)),
        ("x", "## Steps to reproduce\n1. Go", Cue("heading", "reproduction")),
        ("x", "**Steps to reproduce:** go", Cue("heading", "reproduction")),
        ("x", "Expected behaviour: none", Cue("heading", "expectation")),
        ("x", "OS: 1\nApp: 2\nPhone: 3\nBuild: 4", Cue(SHAPE, "fields")),
        ("x", "### A\n1\n### B\n2\n### C\n3", Cue(SHAPE, "form")),
        ("x", "It doesn’t open", Cue("body", "negation")),
        ("[Bug] x", "", Cue(DECLARED, "bug")),
        ("Feature request: x", "", Cue(DECLARED, "feature-request")),
        ("x", "### Issue type\n\nBug report", Cue(DECLARED, "bug")),
        ("x", "Type: feature", Cue(DECLARED, "feature-request")),
        ("x", "Do you want a *feature* or report a *bug*?\nbug", Cue(DECLARED, "bug")),
        ("Why?", "", Cue(SIGN, "question mark at the end of the title")),
        ("x", "How? Why?", Cue(SIGN, "questions in the text")),
        ("x", "```\nTraceback (most recent call last):\n```", Cue(SIGN, "stack trace")),
        ("x", "A ValueError", Cue(SIGN, "exception")),
        ("x", "```\n12:00:01 started\n```", Cue(SIGN, "log")),
        ("x", "![](https://a.example/b.png)", Cue(SIGN, "screenshot")),
        ("x", "1. Open\n2. Close", Cue(SIGN, "numbered steps")),
        ("x", "With 1.4.2", Cue(SHAPE, "version")),
        ("x", "On Windows 10", Cue(SHAPE, "operating system")),
        ("Use `main`", "", Cue(SHAPE, "code in the title")),
        ("How do I start?", "", ASKS),
        ("[Question] start", "", ASKS),
        ("Question about the start", "", ASKS),
        ("Is the error message needed?", "", ASKS),
    ],
)
def test_a_cue_is_found(title: str, body: str, cue: Cue) -> None:
    assert cue in cues(title, body)


@pytest.mark.parametrize(
    ("title", "body", "cue"),
    [
        ("x", "```\ncrash\n```", Cue("body", "crash")),
        ("x", "`crash` or crash_now or on.crash()", Cue("body", "crash")),
        ("x", "<!-- crash -->", Cue("body", "crash")),
        ("x", "> crash", Cue("body", "crash")),
        ("x", "It would. Be nice", Cue("body", "praise of an idea", SEVERAL)),
        ("x", "Crash, crash, crash", Cue("body", "crash", SEVERAL)),
        ("x", "Please describe the bug in your own words", Cue("body", "bug named")),
        ("x", "### Issue type\n\n### Version\nbug", Cue(DECLARED, "bug")),
        ("x", "See https://a.example/b", Cue(SHAPE, "fields")),
        ("x", "### Error\n_No response_\n### B\n1", Cue("heading", "error")),
        ("Why does it crash?", "", ASKS),
        ("An error message?", "", ASKS),
        ("Start page: ask for the name", "", ASKS),
        ("Reuse the results of a query", "", ASKS),
    ],
)
def test_code_hidden_text_and_instructions_are_no_cues(title: str, body: str, cue: Cue) -> None:
    assert cue not in cues(title, body)


def data() -> dict[str, Any]:
    return dict(json.loads(PHRASES_FILE.read_bytes()))


def list_phrases() -> list[tuple[str, str]]:
    tables = data()
    groups = [*tables["cues"].items(), *tables["declared"].items()]
    groups += [(str(row["weights"]), row["phrases"]) for row in tables["topics"]]
    return [(name, phrase) for name, phrases in groups for phrase in phrases]


def test_every_phrase_can_be_found() -> None:
    for name, phrase in list_phrases():
        assert phrase == " ".join(phrase.lower().split()), (name, phrase)
        assert len(phrase.split()) <= 4, (name, phrase)
        assert all(word.isalnum() for word in phrase.split()), (name, phrase)


def test_no_group_has_a_phrase_twice_and_no_topic_two_points_for_one() -> None:
    tables = data()
    for name, phrases in (*tables["cues"].items(), *tables["declared"].items()):
        assert len(phrases) == len(set(phrases)), name
    topics = [
        (topic, row["part"], phrase)
        for row in tables["topics"]
        for topic in row["weights"]
        for phrase in row["phrases"]
    ]
    assert len(topics) == len(set(topics))
    assert {part for _, part, _ in topics} <= set(PARTS)


def test_every_weight_is_of_a_cue_that_can_be_found() -> None:
    weights, tables = load_weights(), data()
    assert len(json.loads(WEIGHTS_FILE.read_bytes())["weights"]) == len(weights.cues)
    for cue, row in weights.cues.items():
        assert len(row) == len(TYPES)
        if cue.part in PARTS:
            assert cue.name in tables["cues"]
        elif cue.part == DECLARED:
            assert cue.name in tables["declared"]
        else:
            assert cue.part in {SIGN, SHAPE}
        assert cue.times in {1, SEVERAL}
    assert {name for groups in load_phrases().cues.values() for name in groups} == set(
        tables["cues"]
    )
