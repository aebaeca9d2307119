"""A megabyte of any text takes at most 50 ms: nothing here takes more than linear time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from bot.core import prompt, reply
from bot.core.config.schema import ModelRules, RepoConfig
from bot.core.errors import ModelFailed
from bot.core.text.condense import condense
from bot.core.text.extractive_summary import extract_summary
from bot.core.text.redact import redact
from bot.core.text.sanitize import to_code_span, to_one_line, to_plain_markdown
from tests.fakes import make_issue

MEGABYTE = 1_000_000
SECONDS = 0.05
PIECES = (
    *("a", "漢", "😀", "\u0344", "\u200b", "\x1b[", " ", "\n", "<!--", "<b ", "&amp;", "&#9", "`"),
    *("```\n", "[a](", "![x](", "[[issue:", "> ", "- [ ] ", "# h\n", " at x\n", "/a/b.c:1\n"),
    *("http://a.b/", "www.", "@a", "a@b.", "://u:p@", "password: ", "Bearer ", "AKIA", "eyJ"),
    *(
        "GL-1 ",
        "8f20230 ",
        "abcdef1.",
        "password\n",
        "| token ",
        "password: |\n  a\n",
        "a,password\n",
    ),
    *(
        'setPassword("',
        "a:b@tcp(",
        ":5432:a:b:",
        "machine a password ",
        "sshpass ",
        "curl -b a=",
        "$6$",
    ),
    *(
        "<tr><th>token</th>",
        "+1 2",
        "phone: 1 ",
        "пароль ",
        "Private-Lines: 1\nAAAA\n",
        "LS0tLS1CRUdJTi",
    ),
    *("-----BEGIN ", "data:;base64,", "1.2.3.", "0x1", "::", '{"a":', "{", "}", '\\"', "-", "|a"),
    *("-->", "# \n", "**a", "A/", "- [ ] \n", "at x\n", " \n", " " * 990 + "x\n"),
    *("a. ", "a: ", "hi ", "sorry ", '"', "_a " * 300 + "\n"),
)


def sanitize(text: str) -> None:
    to_plain_markdown(text)
    to_code_span(text)
    to_one_line(text)


def build_prompt(text: str) -> None:
    condensed = condense(text)
    assert len(condensed) <= 4000
    title, body = redact(to_one_line(text)), redact(condensed)
    config = RepoConfig(model=ModelRules(instructions=text))
    prompt.build(make_issue(title, body), body, prompt.Choices(()), config)


def summarize(text: str) -> None:
    extract_summary(text, text)


def parse_answer(text: str) -> None:
    with suppress(ModelFailed):
        reply.parse_reply(text)


@pytest.mark.parametrize("work", [sanitize, build_prompt, summarize, parse_answer])
def test_a_megabyte_of_any_text_takes_at_most_50_milliseconds(work: Callable[[str], None]) -> None:
    slow = {piece for piece in PIECES if fastest(work, piece) > SECONDS}
    assert slow == set()


def fastest(work: Callable[[str], None], piece: str) -> float:
    """Return the fewest CPU seconds of up to five tries, since others use the machine too."""
    text, best = piece * (MEGABYTE // len(piece)), SECONDS + 1
    for _ in range(5):
        started = time.process_time()
        work(text)
        best = min(best, time.process_time() - started)
        if best <= SECONDS:
            break
    return best
