"""Words of hostile replies and issues keep, in a comment, every property asked of it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.core.condense import condense
from bot.core.extract import summarise
from bot.core.text import ZERO_WIDTH, code, plain

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FRAMES = ("{}", "**Summary (automated):** {}", "- {}")
ALLOWED_TOKENS = {"paragraph_open", "paragraph_close", "inline", "text", "strong_open"} | {
    "strong_close",
    "bullet_list_open",
    "bullet_list_close",
    "list_item_open",
    "list_item_close",
}
LINE_BREAK = re.compile("[\n\v\f\x85\u2028\u2029]")
DELETED = re.compile("[\r\x00-\x09\x0e-\x1f\x7f\u200b-\u200f\u2060-\u2069\u202a-\u202e\ufeff]")


@pytest.fixture(scope="module")
def forbidden(shared: Path) -> dict[str, dict[str, re.Pattern[str]]]:
    """For each place (rendered, raw, raw_lines) the patterns that may not occur, by property."""
    path = shared / "attacks" / "properties.json"
    if not path.is_file():
        pytest.skip(f"no attack set at {path}")
    found: dict[str, dict[str, re.Pattern[str]]] = {"rendered": {}, "raw": {}, "raw_lines": {}}
    for name, rule in json.loads(path.read_text()).items():
        if "forbid" in rule and rule["on"] in found:
            found[rule["on"]][name] = re.compile(rule["forbid"])
    assert set(found["rendered"]) >= {"no_mention", "no_crossref", "no_link", "no_long_word"}
    return found


def cases(shared: Path, name: str) -> Iterator[dict[str, Any]]:
    with (shared / "attacks" / name).open() as rows:
        for row in rows:
            case: dict[str, Any] = json.loads(row)
            yield case


def words_of_reply(reply: dict[str, Any]) -> str:
    content = str(generated(reply.get("content_gen")) or reply.get("content") or "")
    answer: Any
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return content
    summary = answer.get("summary") if isinstance(answer, dict) else None
    return summary if isinstance(summary, str) else content


def generated(recipe: dict[str, Any] | None) -> str:
    if not recipe:
        return ""
    parts = [
        recipe.get("prefix", ""),
        recipe.get("repeat", "") * recipe.get("times", 0),
        recipe.get("then_repeat", "") * recipe.get("then_times", 0),
        recipe.get("suffix", ""),
    ]
    return "".join(parts)


def words_of_issue(issue: dict[str, Any]) -> list[str]:
    title = issue["title"]
    body = generated(issue.get("body_gen")) or issue.get("body") or ""
    return [title, body, f"{title}\n{body}", summarise(title, body)]


def filled(text: str) -> str:
    return text.replace("{{MARKER}}", "tagline:v1 e30")


def shown(tokens: list[Token]) -> str:
    return "".join(
        shown(token.children) if token.children else token.content
        for token in tokens
        if token.type in {"inline", "text"}
    )


def broken(line: str, forbidden: dict[str, dict[str, re.Pattern[str]]]) -> set[str]:
    """The properties that a comment with `line` in it does not hold."""
    problems = {"marker_once"} if "<!--" in line or "tagline:v1" in line else set()
    problems |= {name for name, bad in forbidden["raw"].items() if bad.search(line)}
    for frame in FRAMES:
        raw = frame.format(line)
        tokens = RENDERER.parse(raw)
        inner = [child for token in tokens for child in token.children or []]
        if not {token.type for token in [*tokens, *inner]} <= ALLOWED_TOKENS:
            problems.add("no_block")
        text = html.unescape(shown(tokens))
        problems |= {name for name, bad in forbidden["rendered"].items() if bad.search(text)}
        for raw_line in LINE_BREAK.split(DELETED.sub("", raw)):
            problems |= {
                name for name, bad in forbidden["raw_lines"].items() if bad.search(raw_line)
            }
    return problems


def test_no_reply_breaks_a_property_of_the_comment(
    shared: Path, forbidden: dict[str, dict[str, re.Pattern[str]]]
) -> None:
    wrong = {
        reply["id"]: problems
        for reply in cases(shared, "replies.jsonl")
        if (problems := broken(plain(filled(words_of_reply(reply))), forbidden))
    }
    assert wrong == {}


def test_no_issue_breaks_a_property_of_the_comment(
    shared: Path, forbidden: dict[str, dict[str, re.Pattern[str]]]
) -> None:
    wrong = {
        (issue["id"], number): problems
        for issue in cases(shared, "issues.jsonl")
        for number, words in enumerate(words_of_issue(issue))
        if (problems := broken(plain(filled(words)), forbidden))
    }
    assert wrong == {}


def test_the_check_has_teeth(
    shared: Path, forbidden: dict[str, dict[str, re.Pattern[str]]]
) -> None:
    raw = [filled(words_of_reply(reply)) for reply in cases(shared, "replies.jsonl")]
    problems = set[str]().union(*(broken(words, forbidden) for words in raw))
    assert problems >= (set(forbidden["rendered"]) - {"no_image"}) | set(forbidden["raw"])
    assert problems >= {"marker_once", "no_block", "no_quick_action", "no_bot_command"}


def test_no_words_leave_a_code_span(shared: Path) -> None:
    for issue in cases(shared, "issues.jsonl"):
        for words in words_of_issue(issue):
            span = code(filled(words))
            tokens = RENDERER.parse(f"{span} after")
            kinds = [child.type for child in tokens[1].children or []]
            assert kinds == (["code_inline", "text"] if span else ["text"]), issue["id"]
            assert "<!--" not in span


def test_innocent_look_alikes_keep_their_words(shared: Path) -> None:
    for issue in cases(shared, "issues.jsonl"):
        if issue["class"] == "benign_lookalike":
            text = shown(RENDERER.parse(plain(issue["title"]))).replace(ZERO_WIDTH, "")
            assert text == issue["title"]


def test_what_a_comment_hides_never_reaches_the_model(shared: Path) -> None:
    for issue in cases(shared, "issues.jsonl"):
        body = generated(issue.get("body_gen")) or issue.get("body") or ""
        assert "<!--" not in condense(filled(body)), issue["id"]
