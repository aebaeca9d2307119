"""A comment shows any text of a model or an issue as harmless plain text."""

from __future__ import annotations

import re
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.core.text.sanitize import ZERO_WIDTH, to_code_span, to_one_line, to_plain_markdown

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

# What GitHub and GitLab make live in text they have already rendered.
LIVE = {
    "mention": r"(?<![A-Za-z0-9_])@[A-Za-z0-9_]",
    "reference": r"(?i)(?<![A-Za-z0-9_&])(?:#\d|GH-\d|!\d|~[\"A-Za-z0-9]|%[\"\d]|\$\d|&\d)",
    "named reference": r"(?i)\[(?:issue|epic|vulnerability|feature_flag|work_item|cadence|contact"
    r"|wiki_page):[^\]]",
    "other repository": r"[\w.\-]+/[\w.\-]+[#!@]\w",
    "GitLab's issue": r"(?i)(?<![A-Za-z0-9_])GL-\d",
    "advisory": r"(?i)(?<![A-Za-z0-9_])GHSA-[a-z0-9]",
    "external tracker": r"(?<![A-Za-z0-9_])(?!UTF)[A-Z][A-Z0-9_]+-\d",
    "alert": r"\^alert#\d",
    "iteration": r"\*iteration:[\"\d]",
    "commit": r"(?i)(?<![A-Za-z0-9_])[0-9a-f]{7,40}(?![A-Za-z0-9_])",
    "link": r"(?i)\b(?:https?|ftp|file|data|javascript|ssh|git|mailto|tel):\S|(?<![^\W_])www\.",
    "no scheme": r"://",
    "project": r"[\w.-]/[\w.-]+>",
    "emoji": r":[\w+-]+:",
    "any scheme": r"(?i)[a-z][a-z0-9+.\-]+://\S",
    "e-mail": r"[\w.+\-]@[\w.\-]",
    "image": r"!\[",
    "long word": r"\S{101,}",
    "marks": r"[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{3,}",
}
CONTROL = re.compile(
    r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u00ad\x00-\x1f\x7f-\x9f\U000e0000-\U000e0fff]"
    r"|[\u200b-\u200d\u2060\ufeff\ufe00-\ufe0f]{2,}|(?<![@#!~%&$/:])\u200b(?!:)"
)
COMMAND = re.compile(
    r"(?i)^[\s>*+\-]*/[a-z_]|^\s*(?:bors\s|r\?\s|!\w|(?:prow|homu|mergify|dependabot|renovate)\b)"
)

MARKS = (
    "_www. //x a/b> :x: a@-b.co "
    '@ # ! ~ % & $ ^ / : . www. http https:// javascript: a@b.co GH-1 gh-2 o/r#1 !1 ~bug %"v" [ ]'
    " ( ) < > ` ``` | * _ \\ - + = 1. 1) <!-- --> <b> <script> </details> &amp; &#64; &#x40; &lt;"
    " &NewLine; [issue: [[ {+ +} --- === $$ bors prow r? /close tagline:v1 0123456789abcdef x 漢 。"
    " gl-1 GL-12 ABC-1 A_B- GHSA-aaaa 8f20230 8F20230c4a1e 1234567 ... *iteration:9 ^alert#4"
)
INVISIBLE = "\n\r\t\v\f\x85\u2028\u200b\u202e\u0301\u0344\ufe0f\ud800\0\U000e0041"
SHARP = st.sampled_from([*MARKS.split(), *INVISIBLE])
HOSTILE = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(SHARP, st.just(" "), st.text(max_size=3)), max_size=80).map("".join),
)


def rendered(markdown: str) -> list[Token]:
    """The tokens within the one paragraph that `markdown` must be."""
    tokens = RENDERER.parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    return tokens[1].children or []


def shown(markdown: str) -> str:
    tokens = rendered(markdown)
    assert {token.type for token in tokens} <= {"text"}
    return "".join(token.content for token in tokens)


def assert_harmless(markdown: str) -> None:
    assert "<!--" not in markdown
    assert not CONTROL.search(markdown)
    assert not COMMAND.search(re.sub("[\u200b-\u200d\u2060\ufeff]", "", markdown))
    text = shown(markdown) if markdown else ""
    assert [name for name, live in LIVE.items() if re.search(live, text)] == []


@settings(deadline=None)
@given(HOSTILE)
@example("0" * 40 + "漢www.x.y")
@example("漢" * 60 + "www.x.y" + "漢" * 60)
@example("&" + "GH-1")
@example("GL-12 " * 3 + "8f20230c4a1e,8f20230c4a1e " * 4)
@example(".".join(["abcdef1"] * 11))
@example("a+://x")
@example("[ISSUE: 0]")
def test_no_text_is_more_than_one_paragraph_of_plain_text(text: str) -> None:
    assert_harmless(to_plain_markdown(text))


@settings(deadline=None)
@given(HOSTILE, st.integers(1, 120), st.integers(1, 12))
@example("see https: here and there", 12, 9)
@example("https://x.example/" + "a" * 40, 8, 9)
@example("[issue:0", 9, 9)
@example("see GL-123 now", 15, 9)
@example("see 8f20230c4a1e4b5d6f70 now", 19, 9)
def test_caps_hold_for_the_escaped_line(text: str, max_chars: int, max_words: int) -> None:
    line = to_plain_markdown(text, max_chars, max_words)
    assert len(line) <= max_chars
    assert len(line.split()) <= max_words
    assert_harmless(line)


@pytest.mark.parametrize(
    "words",
    [
        "@decorator fails in /opt/bin/tool #later",
        "snake_case and __init__ in file.py",
        "C++ and C# since version 1.2.3",
        "a-b, 50% slower, R&D, ~/.config, x != y",
        "std::vector<int> and Map<String, Foo> differ",
        "The <button> is not focusable when a < b > c",
        "price is $5 (not $6) at 10:30",
        "since 8f20230c4a1e and GL-12 in UTF-8",
        ":tada: works at localhost:8080",
        "`code` and *stars* stay readable",
        "1. first - second",
        "ação ﬁn 漢字とかな。한국어",
    ],
)
def test_innocent_words_stay_readable(words: str) -> None:
    assert shown(to_plain_markdown(words)).replace(ZERO_WIDTH, "") == words


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("وقتی دکمه را می\u200cزنم", None),  # Persian
        ("क\u200dष श्री", None),  # Hindi
        ("လှုံ့ဆော်မှု ပြဿနာ", None),  # Burmese
        ("སྒྲིག་འགོད་ཀྱི་དཀའ་ངལ", None),  # Tibetan
        ("ที่นี่ผู้ใช้", None),  # Thai
        ("👨\u200d👩\u200d👧 👩🏽\u200d🚒", None),
        ("❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈", "❤\u200d🔥 🏳\u200d🌈"),
        ("pass\u200cword @\u200dname \u200d", "password @name"),
        ("می\u200c\u200cزنم \u200cد\u200c", "میزنم د"),
        ("a" + "\u0301\u0302\u0303\u0304", "á\u0302"),
        ("ก" + "\u0e48" * 20, "ก" + "\u0e48" * 5),
        ("👨\u200cx x\u200d👧", "👨x x👧"),
    ],
)
def test_joiners_and_marks_that_a_script_needs_are_kept(text: str, line: str | None) -> None:
    assert to_one_line(text) == (text if line is None else line)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("/close", r"\/close"),
        ("> /close", r"\> /close"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("# Heading", r"\# Heading"),
        ("bors r+", "&#98;ors r+"),
        ("Dependabot rebase", "&#68;ependabot rebase"),
        ("r? @x", f"&#114;? @{ZERO_WIDTH}x"),
        ("www.evil.example", "evil.example"),
        ("_www.evil.example", r"\_evil.example"),
        ("www.-x.example and www.😀.example", r"\-x.example and 😀.example"),
        ("evil/project>", rf"evil/{ZERO_WIDTH}project\>"),
        ("fine :tada: at localhost:8080", f"fine :{ZERO_WIDTH}tada: at localhost{ZERO_WIDTH}:8080"),
        ("see GH-12", "see GH-&#x200B;12"),
        ("Caused by GL-12 and gl-13", "Caused by GL-&#x200B;12 and gl-&#x200B;13"),
        ("PROJ-45 and UTF-8", "PROJ-&#x200B;45 and UTF-8"),
        ("GHSA-jfh8-c2jp-5v3q", "GHSA-&#x200B;jfh8-c2jp-5v3q"),
        ("since 8f20230 or 8F20230C4A1E", "since 8f2023&#x200B;0 or 8F2023&#x200B;0C4A1E"),
        ("8f20230...b19a04f5", "8f2023&#x200B;0...b19a04&#x200B;f5"),
        ("after 1048576 bytes", "after 104857&#x200B;6 bytes"),
        ("0x80070005 abc123 dead_beef1234567", r"0x80070005 abc123 dead\_beef1234567"),
        ("since " + "ab12" * 10, "since ab12ab…"),
        ("&amp;amp;#64;octocat", f"@{ZERO_WIDTH}octocat"),
        ("a\u202eb\u00adc\U000e0041d\u200be", "abcde"),
        ("x" * 500, "x" * 40 + "…"),
        ("two\n\nlines\u2028three", "two lines three"),
        ("before <!-- hidden --> after", "before after"),
        ("<details open><summary>x</summary> y", "x y"),
        ("<img src=x onerror=y>broken", "broken"),
        ("", ""),
        ("\u200b\ufe0f", ""),
    ],
)
def test_what_would_be_live_is_written_so(text: str, markdown: str) -> None:
    assert to_plain_markdown(text) == markdown


def test_a_cut_is_at_a_word_and_shown() -> None:
    assert to_plain_markdown("one two three four", max_chars=12) == "one two…"
    assert to_plain_markdown("one two three four", max_words=3) == "one two three…"
    assert to_plain_markdown("one two three four", max_words=4) == "one two three four"


def test_scripts_without_blanks_are_broken_not_dropped() -> None:
    words = "登录按钮在新版本中没有任何反应，" * 20
    line = to_plain_markdown(words, max_chars=1000)
    assert shown(line).replace(" ", "") == words
    assert to_plain_markdown(words, max_chars=40).startswith(words[:16])


@settings(deadline=None)
@given(HOSTILE, st.integers(1, 300))
@example("`" * 20, 100)
@example("` `` ```", 100)
@example("<!-- tagline:v1 -->", 100)
def test_a_label_name_cannot_leave_its_code_span(name: str, max_chars: int) -> None:
    span = to_code_span(name, max_chars)
    assert "<!--" not in span
    assert "\n" not in span
    if span:
        tokens = rendered(f"{span} after")
        assert [token.type for token in tokens] == ["code_inline", "text"]
        assert not re.match(r"[\s>*+\-]*/", span)


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("bug", "`bug`"),
        ("area/login", "`area/login`"),
        ("type::bug", "`type::bug`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("/close\n/x", "`/close /x`"),
        ("a|b", "`a|b`"),
        ("tagline:v1", f"`tagline:{ZERO_WIDTH}v1`"),
        ("\u202e", ""),
    ],
)
def test_a_label_name_is_shown_as_it_is(name: str, span: str) -> None:
    assert to_code_span(name) == span


@settings(deadline=None)
@given(st.text(max_size=300))
def test_one_line_is_one_line_without_invisible_characters(text: str) -> None:
    line = to_one_line(text)
    assert line == " ".join(line.split())
    assert not CONTROL.search(line)


def test_no_invisible_character_of_any_script_is_left() -> None:
    characters = [chr(number) for number in range(0x10000)]
    hidden = [x for x in characters if category(x) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}]
    kept = [x for x in hidden if to_one_line(f"a{x}b") not in ("ab", "a b")]
    assert not kept


def test_letters_of_any_script_keep_few_marks_in_a_row() -> None:
    marks = [x for x in map(chr, range(0x10000)) if category(x) in {"Mn", "Me"}]
    assert not [x for x in marks if len(to_one_line(f"a{x * 20}b")) > 8]
