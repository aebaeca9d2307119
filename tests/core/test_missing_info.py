"""What a report lacks of what the forms and templates of its repository ask for."""

from __future__ import annotations

import time

import pytest

from bot.core.issue_templates import MAX_FIELDS, parse_template
from bot.core.missing_info import MissingItem, Report, choose_shown, find_missing
from bot.core.report_port import TemplateFile
from tests.core.issue_forms import (
    BUG_FORM,
    BUG_TEMPLATE,
    FOLDER,
    GITLAB_TEMPLATE,
    IDEA_TEMPLATE,
    LEGACY_TEMPLATE,
    fill,
)

CRASH = "The widget crashes with an exception."
MARKDOWN_BODY = BUG_TEMPLATE.text.split("---\n")[2]
ALL = (BUG_FORM, BUG_TEMPLATE, IDEA_TEMPLATE)


def missing(
    body: str, *files: TemplateFile, title: str = "It crashes", comments: tuple[str, ...] = ()
) -> list[str]:
    return [item.name for item in find_missing(Report(title, body, comments), files or ALL)]


def replaced(*pairs: tuple[str, str]) -> str:
    """Return the body of `BUG_TEMPLATE` with some of its placeholders replaced."""
    body = MARKDOWN_BODY
    for old, new in pairs:
        assert old in body
        body = body.replace(old, new)
    return body


DESCRIBED = ("A clear and concise description of what the bug is.", CRASH)
EMPTY_SECTIONS = {
    "a form without answers": (
        fill(CRASH),
        ["Version", "Steps to reproduce", "Operating system", "Component"],
    ),
    "a form with all answers": (fill(CRASH, "4.2", "1. Run it", "Linux", "core"), []),
    "answers that are placeholders": (
        fill(CRASH, "e.g. 4.2.1", "1.\n2.", "Linux", "tbd"),
        ["Version", "Steps to reproduce", "Component"],
    ),
    "an answer of a list that looks like none": (
        fill(CRASH, "4.2", "1. Run it", "None of them", "core"),
        [],
    ),
    "answers elsewhere": (
        fill(f"{CRASH} With 4.2 on Windows 11 when I press a key.", "-", "?", "...", "N/A"),
        ["Component"],
    ),
    "headings inside an answer": (
        fill(CRASH, "## 4.2", "### first\n\nRun it", "Linux", "**core**"),
        [],
    ),
    "a form whose headings are gone in part": (
        fill(CRASH, "4.2", "1. Run it", "Linux").partition("### Component")[0],
        ["Component"],
    ),
    "an untouched template": (
        replaced(DESCRIBED),
        [
            "To Reproduce",
            "Expected behavior",
            "Desktop (please complete the following information):",
        ],
    ),
    "a filled one": (
        replaced(
            DESCRIBED,
            ("1. Go to '...'", "1. Open the shop"),
            ("A clear and concise description of what you expected to happen.", "It works."),
            (" - OS: [e.g. iOS]", " - OS: Haiku"),
        ),
        [],
    ),
    "a line of which only the hint is gone": (
        replaced(
            DESCRIBED,
            ("1. Go to '...'", "1. Open the shop"),
            ("A clear and concise description of what you expected to happen.", "It works."),
            (" - OS: [e.g. iOS]", " - OS:"),
        ),
        ["Desktop (please complete the following information):"],
    ),
    "a heading that the author deleted": (
        replaced(
            DESCRIBED,
            ("1. Go to '...'", "1. Open the shop"),
            ("**Expected behavior**\n", ""),
            ("A clear and concise description of what you expected to happen.\n", ""),
            (" - OS: [e.g. iOS]", " - OS: Haiku"),
        ),
        [],
    ),
}


@pytest.mark.parametrize(("body", "expected"), EMPTY_SECTIONS.values(), ids=EMPTY_SECTIONS)
def test_what_has_no_answer_below_its_heading_lacks(body: str, expected: list[str]) -> None:
    assert missing(body) == expected
    assert missing(body.replace("\n", "\r\n")) == expected


def test_a_gitlab_template_lacks_what_was_left_as_it_is() -> None:
    body = GITLAB_TEMPLATE.text.replace("(Summarize the bug encountered concisely)", CRASH)
    expected = ["Steps to reproduce", "What is the expected correct behavior?"]
    assert missing(body, GITLAB_TEMPLATE)[:2] == expected


def test_a_template_of_the_old_form_lacks_its_empty_sections() -> None:
    body = LEGACY_TEMPLATE.text.replace("## Description\n", f"## Description\n\n{CRASH}\n")
    assert missing(body, LEGACY_TEMPLATE) == ["How to reproduce it", "Your environment"]


COMMENTS = {
    "It is version 4.2.": ["Steps to reproduce", "Operating system", "Component"],
    "Ubuntu, and the steps are simple: 1. run it": ["Version", "Component"],
    "> Which version? 4.2?\n\nI do not know.": [
        *("Version", "Steps to reproduce", "Operating system", "Component")
    ],
    "Component: core": ["Version", "Steps to reproduce", "Operating system"],
    "Thanks!": ["Version", "Steps to reproduce", "Operating system", "Component"],
    "### Version\n\nthe one of today": ["Steps to reproduce", "Operating system", "Component"],
}


@pytest.mark.parametrize(("comment", "expected"), COMMENTS.items(), ids=COMMENTS)
def test_a_comment_gives_what_the_report_lacked(comment: str, expected: list[str]) -> None:
    assert missing(fill(CRASH), comments=("Hello.", comment)) == expected


SILENT = {
    "no template fits": ("Hello", "### Other\n\nWords", ALL),
    "two templates for bugs": ("It crashes", CRASH, (BUG_FORM, BUG_TEMPLATE)),
    "no template for bugs": ("It crashes", CRASH, (IDEA_TEMPLATE,)),
    "an idea": ("Feature request: dark mode", "Please add a dark mode.", (BUG_FORM,)),
    "a question": ("How do I set a color?", "How can I do this?", (BUG_FORM,)),
    "no templates": ("It crashes", CRASH, ()),
    "an empty report": ("Hello", "", (BUG_FORM,)),
    "a report with all of it": (
        "Crash in 4.2 on Linux",
        f"{CRASH}\n1. Run it\n2. Look",
        (BUG_FORM,),
    ),
}


@pytest.mark.parametrize(("title", "body", "files"), SILENT.values(), ids=SILENT)
def test_nothing_lacks_where_that_is_not_certain(
    title: str, body: str, files: tuple[TemplateFile, ...]
) -> None:
    assert find_missing(Report(title, body), files) == ()


def test_a_blank_report_of_a_bug_lacks_what_the_one_template_for_bugs_asks_for() -> None:
    assert missing(CRASH, BUG_FORM, IDEA_TEMPLATE) == [
        *("Version", "Steps to reproduce", "Operating system")
    ]


def test_an_idea_is_never_asked_for_steps_to_reproduce() -> None:
    body = fill("Please add a dark mode, it would be nice to have.")
    asked = missing(body, BUG_FORM, title="Feature request: dark mode")
    assert asked == ["Component"]
    items = [MissingItem("Steps", of_bugs=True), MissingItem("Component", of_bugs=False)]
    assert choose_shown(items, ["enhancement"]) == ("Component",)
    assert choose_shown(items, ["kind/feature", ""]) == ("Component",)
    assert choose_shown(items, ["bug"]) == ("Steps", "Component")


def test_a_form_that_requires_nothing_asks_for_nothing() -> None:
    form = TemplateFile(BUG_FORM.path, BUG_FORM.text.replace("required: true", "required: false"))
    assert missing(fill(CRASH), form) == []
    text = BUG_FORM.text.replace("required: true", 'required: "true"')
    assert missing(fill(CRASH), TemplateFile(BUG_FORM.path, text)) == []


def test_at_most_three_short_names_are_shown() -> None:
    long = "A description of the " + "very " * 40 + "long thing"
    names = ["Version:", "**Steps** ", long, "Version", "Another"]
    shown = choose_shown([MissingItem(name, of_bugs=False) for name in names], [])
    assert shown == ("Version", "Steps", "A description of the very very very…")
    assert all(len(name) <= 40 for name in shown)


def _form(*parts: str) -> TemplateFile:
    return TemplateFile(f"{FOLDER}/bug.yml", "name: Bug\nbody:\n" + "".join(parts))


def _part(label: str) -> str:
    required = "validations: {required: true}"
    return f"  - type: input\n    attributes: {{label: {label}}}\n    {required}\n"


BOMB = "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nbody: [*b, *b, *b]\n"
UNREADABLE = {
    "500 fields": _form(*(_part(f"Part {n}") for n in range(500))),
    "too many fields": _form(*(_part(f"Part {n}") for n in range(MAX_FIELDS + 1))),
    "a bomb of aliases": TemplateFile("bug.yml", BOMB),
    "no YAML": TemplateFile("bug.yml", "body: [\n\t- {"),
    "deep brackets": TemplateFile("bug.yml", "body: " + "[" * 5000),
    "control characters": TemplateFile("bug.yml", "body: \x00\x07"),
    "a text": TemplateFile("bug.yml", "body"),
    "parts of other types": TemplateFile(
        "bug.yml", "body: [1, [2], {type: [], attributes: 3}, null]"
    ),
    "no headings": TemplateFile("bug.md", "Please be kind."),
    "500 headings": TemplateFile("bug.md", "".join(f"## Part {n}\n\n" for n in range(500))),
    "an empty file": TemplateFile("bug.md", ""),
    "headings without a word": TemplateFile("bug.md", "## **\n\n# ###\n\n**:**"),
}


@pytest.mark.parametrize("file", UNREADABLE.values(), ids=UNREADABLE)
def test_a_template_that_cannot_be_read_asks_for_nothing(file: TemplateFile) -> None:
    assert parse_template(file) is None
    assert missing(CRASH, file) == []


MEGABYTES = {
    "one line": "x" * 1_000_000,
    "headings": "## a\n" * 200_000,
    "open comments": "<!-- " * 200_000,
    "bold": "**a**" * 200_000,
    "stars": "*" * 1_000_000,
    "hashes": "# " * 500_000,
    "form": "body:\n" + "- type: input\n" * 70_000,
    "front matter": "---\n" * 250_000,
}


@pytest.mark.parametrize("text", MEGABYTES.values(), ids=MEGABYTES)
@pytest.mark.parametrize("path", ["bug.md", "bug.yml"])
def test_a_megabyte_of_a_template_takes_no_time(path: str, text: str) -> None:
    start = time.process_time()
    parse_template(TemplateFile(path, text))
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("text", MEGABYTES.values(), ids=MEGABYTES)
def test_a_long_report_takes_no_time(text: str) -> None:
    start = time.process_time()
    find_missing(Report("It crashes", text[:64_000], (text, text)), ALL)
    assert time.process_time() - start < 1.0
