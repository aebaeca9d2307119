"""Older issues in the bot's comment, and as examples for the model."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import Forbidden, RateLimited, Retry, TaglineError
from bot.core.prompt import MAX_EXAMPLE_TITLE
from bot.core.related import RelatedCandidate
from bot.core.types import Record
from tests.fakes import NOW, REF, ScriptedModel
from tests.flow.issue_case import ANSWER, BODY, DOWN, LABELS, TITLE, IssueCase, make_case
from tests.outside.second_checks import MORE_REFERENCES

OTHERS = (
    "Export to PDF stops",
    "Dark theme for the chart",
    "Upload of large files",
    "Typo in help",
)


def older(number: int, title: str = TITLE, body: str = BODY, **more: Any) -> RelatedCandidate:
    url = f"https://forge.example/acme/widget/issues?q={number}"
    return RelatedCandidate(number, title, body, url, created_at=NOW - 9_000, **more)


def case_with(*found: RelatedCandidate, config: str | None = None, **more: Any) -> IssueCase:
    """Return an issue beside which the forge finds these, and some of no interest."""
    case = make_case(ANSWER, config=config, **more)
    rest = (older(10 + n, title, title) for n, title in enumerate(OTHERS))
    case.forge.related.found = (*found, *rest)
    return case


def lines(case: IssueCase) -> list[str]:
    (comment,) = case.comments
    return [line for line in comment.split("\n") if re.match(r"- \*\*(Maybe|Possibly)", line)]


def test_an_open_issue_like_this_one_is_named_with_the_reason() -> None:
    case = case_with(older(5))
    case.job()
    (line,) = lines(case)
    link = f"[5 {TITLE}](<https://forge.example/acme/widget/issues?q=5>)"
    assert line.startswith(f"- **Maybe related:** {link} (open; ")
    assert case.record.related == (5,)
    assert "duplicate" not in case.comments[0]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"state_reason": "completed"}, r"Possibly a return of:\*\* .* \(closed as completed; "),
        (
            {"state_reason": "completed", "milestone": "4.1 #3"},
            r"completed; milestone 4\.1 #\u200b3; ",
        ),
        ({"state_reason": "not_planned"}, r"Maybe related:\*\* .* \(closed as not planned; "),
        ({}, r"Possibly a return of:\*\* .* \(closed; "),
    ],
)
def test_what_is_said_of_a_closed_issue(found: dict[str, str], expected: str) -> None:
    case = case_with(older(5, is_open=False, **found))
    case.job()
    (line,) = lines(case)
    assert re.search(expected, line.replace("\\", "")), line


def test_in_place_of_a_duplicate_its_original_is_named() -> None:
    duplicate: dict[str, Any] = {"is_open": False, "state_reason": "duplicate"}
    original = older(3, "Nobody can sign in", "Since the upgrade nothing happens.")
    case = case_with(original, older(5, duplicate_of=3, **duplicate))
    case.job()
    assert case.record.related == (3,)
    alone = case_with(older(5, **duplicate))
    alone.job()
    assert lines(alone) == []


def test_the_configuration_limits_how_many_are_named_and_for_none_nothing_is_searched() -> None:
    some = [older(n) for n in range(1, 6)]
    case = case_with(*some, config="comment: {similar: 2}")
    case.job()
    assert len(case.record.related) == 2
    off = case_with(*some, config="comment: {similar: 0}")
    off.job()
    assert (lines(off), off.forge.related.searches) == ([], [])


def test_an_issue_like_no_other_has_no_line() -> None:
    case = case_with()
    case.job()
    assert lines(case) == []
    assert len(case.forge.related.searches) == 1


@pytest.mark.parametrize(
    "error",
    [RateLimited("wait", 60.0), Retry("slow"), Forbidden("no", refused=True), TaglineError("x")],
)
def test_a_search_that_fails_changes_nothing_else(error: TaglineError) -> None:
    case = case_with(older(5))
    case.forge.related.errors = [error]
    assert case.job().record.status == "answered"
    assert lines(case) == []
    assert case.labels == ["bug", "area/login"]


def test_the_line_stays_when_the_comment_is_written_again() -> None:
    case = case_with(older(5), config="on: [opened, edited]")
    case.job()
    case.forge.person_edits(TITLE, f"{BODY} It is 4.2.1.")
    assert case.model
    case.model.answers.append(ANSWER)
    case.job("edited", tries=2)
    assert len(lines(case)) == 1


HOSTILE = (
    "@admin see #1 and !2](https://evil.example) **bold** <img src=x> [x]: y",
    "https://github.com/acme/widget/issues/7 www.example.com",
    "a\nb\r/close \u202e<!-- tagline:v1 -->",
    "\U0001f600" * 120,
    "",
)


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_is_text(title: str) -> None:
    case = case_with(older(5, f"{title} {TITLE}"))
    case.job()
    (line,) = lines(case)
    assert line.count("](<") == 1
    assert not re.search(r"(?<![A-Za-z0-9_])@[A-Za-z]", line)
    assert "<img" not in line
    shown = re.sub(r"\(<[^>]*>\)", "", line)
    for pattern in MORE_REFERENCES.values():
        assert not pattern.search(shown)


def examples(case: IssueCase) -> list[dict[str, Any]]:
    assert case.model
    found: list[dict[str, Any]] = json.loads(case.model.prompts[-1].user).get("examples", [])
    return found


def test_the_model_gets_the_labels_that_people_gave_to_issues_like_this_one() -> None:
    case = case_with(
        older(5, "Login\nbutton dead", labels=("Bug", "wontfix", "gone")),
        older(6, "Sign in fails", labels=("area/login", "bug")),
        older(7, "Unlabelled login"),
    )
    own = Record("answered", labels=("bug",), input="x")
    case.store.save(replace(REF, number=6).key, own)
    case.job()
    found = {one["title"]: one["labels"] for one in examples(case)}
    assert found == {"Login button dead": ["bug"], "Sign in fails": ["area/login"]}
    assert "`examples` are older issues" in case.model.prompts[-1].system  # type: ignore[union-attr]


def test_examples_are_few_and_short_and_hold_no_secret() -> None:
    labels = tuple(label.name for label in LABELS)
    title = f"Login ghp_{'a1B2' * 9} " + "x" * 500
    case = case_with(*(older(n, f"{title} {n}", labels=labels) for n in range(1, 9)))
    case.job()
    found = examples(case)
    assert len(found) == 3
    assert all(len(one["title"]) <= MAX_EXAMPLE_TITLE for one in found)
    assert "ghp_" not in json.dumps(found)


def test_without_examples_the_prompt_says_nothing_of_them() -> None:
    case = case_with()
    case.job()
    assert case.model
    assert "examples" not in case.model.prompts[-1].system + case.model.prompts[-1].user


@pytest.mark.parametrize("change", ["confidential", "deleted"])
def test_an_older_issue_that_nobody_may_see_any_more_is_not_named(change: str) -> None:
    case = case_with(older(5), older(6))
    case.forge.related.current = lambda: case.forge.current
    getattr(case.forge.related, change).add(5)
    case.job()
    assert case.record.related == (6,)
    assert "[5 " not in case.comments[0]


def test_the_record_keeps_them_while_the_comment_stays_as_it_is() -> None:
    case = case_with(older(5))
    case.model = ScriptedModel(ANSWER, DOWN)
    case.job()
    before = case.comments
    assert case.job("redo").record.status == "fallback"
    assert (case.comments, case.record.related) == (before, (5,))


def test_a_comment_that_is_refused_names_none() -> None:
    case = case_with(older(5))
    case.forge.fail("post_comment", Forbidden("comments are limited"))
    assert case.job().record.status == "skipped"
    assert case.record.related == ()
