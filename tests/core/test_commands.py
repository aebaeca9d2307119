"""Which lines of a comment are commands, and which commands have nothing to do any more."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.core.commands import COMMAND, MAX_COMMENT, MAX_PER_HOUR, CommandState, find_commands

FOUND = {
    "/tagline redo": ("redo",),
    "/Tagline WHY!": ("why",),
    "/tagline: undo": ("undo",),
    "/tagline,\toff.": ("off",),
    "   /tagline on  ": ("on",),
    "Thanks.\r\n/tagline redo\r\n\r\n/tagline why": ("redo", "why"),
    "/tagline off\n/tagline redo\n/tagline off": ("redo", "off"),
    "> /tagline undo\n\n/tagline redo": ("redo",),
    "```\n/tagline undo\n```\n/tagline redo": ("redo",),
    "```sh\nx\n~~~\n```\n/tagline redo": ("redo",),
    "a `b` c ``d ` e``\n/tagline redo": ("redo",),
    "an open ` here\n\n/tagline redo": ("redo",),
    "<!-- hidden --> <pre>x</pre>\n\n/tagline redo": ("redo",),
    "```a```\n/tagline redo": ("redo",),
}
NOT_FOUND = {
    "another word": "/tagline retry",
    "a longer line": "/tagline off topic",
    "a sentence": "write /tagline redo",
    "another name": "/taglines redo",
    "no blank": "/taglineredo",
    "a name with @": "@tagline redo",
    "a quote": "> /tagline redo",
    "a nested quote": "> > /tagline redo",
    "a quote's paragraph": "> Somebody wrote\n/tagline redo",
    "a quote in a list": "- a\n\n  > /tagline redo",
    "GitLab's quote of several lines": ">>>\nSomebody wrote\n\n/tagline redo\n>>>",
    "a code span": "`/tagline redo`",
    "a code span of several lines": "see `\n/tagline redo\n`",
    "a fenced block": "```\n/tagline redo\n```",
    "a fenced block with tildes": "~~~text\n/tagline redo\n~~~",
    "a shorter fence inside": "````\n```\n/tagline redo\n````",
    "a fence that does not end": "```\n/tagline redo",
    "a fence in a list": "1. a\n   ```\n/tagline redo\n   ```",
    "an indented block": "    /tagline redo",
    "a block with a tab": "\t/tagline redo",
    "a list's item": "- /tagline redo",
    "an HTML comment": "<!--\n/tagline redo\n-->",
    "a quote's paragraph in a list": "- > Somebody wrote\n/tagline redo",
    "lines of an HTML block": "<div>\n/tagline redo\n</div>",
    "an HTML element for a program": "<style>\n\n/tagline redo\n</style>",
    "an XML instruction": "<?\n\n/tagline redo\n?>",
    "a preformatted block": "<PRE class=x>\n\n/tagline redo\n</PRE>",
    "an HTML quote": "<blockquote>\n\n/tagline redo\n\n</blockquote>",
    "a zero-width space": "\u200b/tagline redo",
    "letters of other scripts": "/t\u0430gline redo",
    "after the part that is read": "x " * (MAX_COMMENT // 2) + "\n/tagline redo",
}


@pytest.mark.parametrize("text", FOUND)
def test_a_line_of_its_own_is_a_command(text: str) -> None:
    assert find_commands(text, ["/tagline"]) == FOUND[text]


@pytest.mark.parametrize("what", NOT_FOUND)
def test_what_is_no_line_of_its_own_is_no_command(what: str) -> None:
    assert find_commands(NOT_FOUND[what], ["/tagline"]) == ()


def test_any_name_counts_until_the_bot_s_is_known_and_then_only_this_one() -> None:
    text = "@ada redo\n@Tagline-Bot why\n/tagline undo"
    assert find_commands(text) == ("redo", "why")
    assert find_commands(text, ["@tagline-bot", "@project_7_bot_ab"]) == ("why",)
    assert find_commands("mail@tagline-bot redo", ["@tagline-bot"]) == ()
    assert find_commands("@tagline-bot.example redo", ["@tagline-bot"]) == ()


PARTS = (
    "`",
    "`` ",
    "<!--",
    "<pre ",
    "> ",
    "- ",
    "1. ",
    "```\n",
    "\n",
    "a\n",
    "/tagline redo\n",
    "@a ",
)
MORE_PARTS = ("/a" * 100, " ", "\t/tagline", "> \n", ">>>\n", "~~~ `\n", "<pre>`\n", "123456789. ")


@pytest.mark.parametrize("part", [*PARTS, *MORE_PARTS])
def test_a_megabyte_of_anything_takes_little_time(part: str) -> None:
    text = part * (1_000_000 // len(part))
    started = time.thread_time()
    find_commands(text)
    assert time.thread_time() - started < 0.2


def test_a_command_is_carried_out_once() -> None:
    state = CommandState().with_done(7, "why", 100.0, 101.0)
    assert state.why_done(7, "why", 500.0)
    assert not state.why_done(7, "undo", 100.0)
    assert not state.why_done(8, "why", 100.0)
    assert state.with_done(7, "why", 500.0, 501.0) == state


def test_a_redo_serves_those_that_came_before_it_began() -> None:
    state = CommandState().with_done(7, "redo", 100.0, 105.0)
    assert state.why_done(8, "redo", 104.0)
    assert not state.why_done(9, "redo", 106.0)


def test_the_last_of_on_and_off_counts_in_whatever_order_they_come() -> None:
    state = CommandState().with_done(9, "on", 100.0, 105.0)
    assert state.why_done(8, "off", 99.0)
    assert not state.why_done(10, "off", 99.0)


def test_an_issue_takes_a_limited_number_of_commands_in_an_hour() -> None:
    state = CommandState()
    for n in range(MAX_PER_HOUR):
        assert not state.has_too_many(1000.0 + n)
        state = state.with_done(n, "why", 1000.0, 1000.0 + n)
    assert state.has_too_many(1100.0)
    assert not state.has_too_many(1000.0 + 3601)
    for n in range(1000):
        state = state.with_done(n, "undo", 0.0, 5000.0)
    assert len(state.done) < 100


FRAGMENTS = (
    *("/tagline redo", "/tagline why", "/tagline undo", "text", "\n", "\n", "\n", "\n\n", "\r\n"),
    *("```", "````", "~~~", "`", "``", "> ", ">>>", "- ", "* ", "1. ", "10) ", "    ", "  ", "\t"),
    *(
        "<!--",
        "-->",
        "<pre>",
        "</pre>",
        "<code>",
        "</code>",
        "<div>",
        "<x a='",
        "'>",
        "<blockquote>",
    ),
    *("</blockquote>", "<script>", "</script>", "<style>", "<?", "?>", "<![CDATA[", "]]>"),
    *("# ", "***", "---", "\\", "|", "![", "](", "[a]: ", "&"),
)
MARKDOWN = MarkdownIt("commonmark")


def list_shown_commands(text: str) -> set[str]:
    """Return the commands on lines of text outside quotes, code and HTML, by a Markdown parser."""
    shown: set[str] = set()
    depth = 0
    for token in MARKDOWN.parse(text):
        depth += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type != "inline" or depth:
            continue
        line = ""
        for child in token.children or []:
            breaks = child.type in ("softbreak", "hardbreak")
            line += "\n" if breaks else child.content if child.type == "text" else "\0"
        matches = map(COMMAND.fullmatch, line.split("\n"))
        shown |= {match[2].lower() for match in matches if match}
    return shown


@settings(deadline=None, max_examples=1500)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_no_line_counts_that_a_markdown_parser_takes_for_a_quote_code_or_html(text: str) -> None:
    assert {*find_commands(text, ["/tagline"])} <= list_shown_commands(text)
