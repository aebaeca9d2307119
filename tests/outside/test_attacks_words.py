"""Text of hostile replies and issues breaks no property of a comment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.core.text.condense import condense
from bot.core.text.extractive_summary import extract_summary
from bot.core.text.sanitize import ZERO_WIDTH, to_code_span, to_plain_markdown
from tests.outside.attacks import (
    RENDERER,
    Case,
    Patterns,
    cases,
    filled,
    generated,
    kinds,
    marks,
    read_patterns,
    shown,
)

FRAMES = ("{}", "Summary (automated): {}", "- {}")


@pytest.fixture(scope="module")
def forbidden(shared: Path) -> Patterns:
    return read_patterns(shared)


def words_of_reply(reply: Case) -> str:
    content = str(generated(reply.get("content_gen")) or reply.get("content") or "")
    answer: Any
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return content
    summary = answer.get("summary") if isinstance(answer, dict) else None
    return summary if isinstance(summary, str) else content


def words_of_issue(issue: Case) -> list[str]:
    title = issue["title"]
    body = generated(issue.get("body_gen")) or issue.get("body") or ""
    return [title, body, f"{title}\n{body}", extract_summary(title, body)]


def broken(line: str, forbidden: Patterns) -> set[str]:
    """Return the properties that `line` breaks at any position in a comment."""
    framed = [frame.format(line) for frame in FRAMES]
    code = {"no_block"} if any("code_inline" in kinds(raw) for raw in framed) else set()
    return code.union(*(marks(raw, forbidden) for raw in framed))


def test_no_reply_breaks_a_property_of_the_comment(shared: Path, forbidden: Patterns) -> None:
    wrong = {
        reply["id"]: problems
        for reply in cases(shared, "replies.jsonl")
        if (problems := broken(to_plain_markdown(filled(words_of_reply(reply), reply)), forbidden))
    }
    assert wrong == {}


def test_no_issue_breaks_a_property_of_the_comment(shared: Path, forbidden: Patterns) -> None:
    wrong = {
        (issue["id"], number): problems
        for issue in cases(shared, "issues.jsonl")
        for number, words in enumerate(words_of_issue(issue))
        if (problems := broken(to_plain_markdown(filled(words, issue)), forbidden))
    }
    assert wrong == {}


@pytest.mark.slow
def test_the_check_finds_what_unprotected_text_breaks(shared: Path, forbidden: Patterns) -> None:
    raw = [filled(words_of_reply(reply), reply) for reply in cases(shared, "replies.jsonl")]
    problems = set[str]().union(*(broken(words, forbidden) for words in raw))
    assert problems >= (set(forbidden["rendered"]) - {"no_image"}) | set(forbidden["raw"])
    assert problems >= {"marker_once", "no_block", "no_quick_action", "no_bot_command"}


def test_no_words_leave_a_code_span(shared: Path) -> None:
    for issue in cases(shared, "issues.jsonl"):
        for words in words_of_issue(issue):
            span = to_code_span(filled(words, issue))
            tokens = RENDERER.parse(f"{span} after")
            kinds = [child.type for child in tokens[1].children or []]
            assert kinds == (["code_inline", "text"] if span else ["text"]), issue["id"]
            assert "<!--" not in span


def test_innocent_look_alikes_keep_their_words(shared: Path) -> None:
    for issue in cases(shared, "issues.jsonl"):
        if issue["class"] == "benign_lookalike":
            text = shown(to_plain_markdown(issue["title"])).replace(ZERO_WIDTH, "")
            assert text == issue["title"]


def test_what_a_comment_hides_never_reaches_the_model(shared: Path) -> None:
    for issue in cases(shared, "issues.jsonl"):
        body = generated(issue.get("body_gen")) or issue.get("body") or ""
        assert "<!--" not in condense(filled(body, issue)), issue["id"]
