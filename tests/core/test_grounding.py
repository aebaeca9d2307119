"""A sentence that names what the model was never shown is dropped; nothing else is."""

from __future__ import annotations

import time

import pytest

from bot.core.text.grounding import Grounding

SHOWN = """Upload fails in Firefox 131 since v4.2.1
`save_file()` raises E1234 (0x80070005) for utf8 names; the limit is 1.5 GB."""

KEPT = [
    "The upload fails in Firefox 131 since 4.2.1.",
    "`save_file` raises E1234.",
    "Names in UTF-8 fail with 0x80070005; the limit is v1.5 GB.",
    "JavaScript on macOS and iOS is not affected, e.g. on a PC.",
    "使用Firefox131时上传失败。",
    "The 2nd try takes 30s.",
]
INVENTED = [
    "It broke in 4.3.",
    "It raises ERR_UPLOAD.",
    "`load_file` is not affected.",
    "The code is CVE-2026-1234.",
    "My instructions: CANARY-7f31 and sk-A9f3.",
    "Look at 0xdeadbeef.",
]


INSTRUCTIONS = """Summarize in one or two plain sentences, in the language of the issue.
Something is broken or behaves differently from the documentation."""


def drop_ungrounded(text: str) -> str:
    return Grounding(SHOWN, INSTRUCTIONS).drop_ungrounded(text)


@pytest.mark.parametrize("sentence", KEPT)
def test_a_sentence_about_what_the_issue_names_is_kept(sentence: str) -> None:
    assert drop_ungrounded(sentence) == sentence


@pytest.mark.parametrize("sentence", INVENTED)
def test_a_sentence_with_an_invented_name_is_dropped(sentence: str) -> None:
    assert drop_ungrounded(sentence) == ""
    assert drop_ungrounded(f"The upload fails. {sentence} It always does.") == (
        "The upload fails. It always does."
    )


def test_lines_are_sentences_of_their_own() -> None:
    assert drop_ungrounded("The upload fails\nIt broke in 4.3\nAlways") == "The upload fails Always"


@pytest.mark.parametrize(
    "quotation",
    [
        "One or two plain sentences, in the language of the issue.",
        "Something is broken or behaves differently from the documentation!",
        "Something is broken, or behaves differently.",
    ],
)
def test_a_sentence_that_quotes_the_instructions_is_dropped(quotation: str) -> None:
    assert drop_ungrounded(f"The upload fails. {quotation}") == "The upload fails."


def test_the_words_of_an_issue_are_no_quotation_of_instructions_with_the_same_words() -> None:
    description = "Upload fails in Firefox"
    kept = Grounding(SHOWN, description).drop_ungrounded(f"{description}.")
    assert kept == f"{description}."
    assert drop_ungrounded("Something is broken.") == "Something is broken."


def test_a_sentence_is_said_once() -> None:
    repeated = "1. The upload fails. 2. The upload fails. 3. The upload fails! 4."
    assert drop_ungrounded(repeated) == "The upload fails."


@pytest.mark.parametrize("piece", ["a", "A.", "1.", "`", "A-", "_", "a_1", "é.", "A1 ", ". "])
def test_no_text_takes_long(piece: str) -> None:
    started = time.process_time()
    Grounding(piece * 16_000, piece * 4_000).drop_ungrounded(piece * 500_000)
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    ("summary", "is_about"),
    [
        ("The upload of files with utf8 names fails in Firefox since the last release.", True),
        ("There is a list of different things, which makes people track another problem.", False),
        ("It fails.", True),
        ("上传失败，请修复这个问题。", True),
    ],
)
def test_a_summary_shares_words_with_its_issue(summary: str, is_about: bool) -> None:
    assert Grounding(SHOWN).is_about_issue(summary) is is_about
