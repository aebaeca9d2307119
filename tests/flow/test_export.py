"""Exported issues: what Tagline sends, the right answer, and rows that no spreadsheet runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.core.config.schema import RepoConfig
from bot.core.prompt import MAX_LABELS
from bot.core.reply import parse_reply, require_summary
from bot.core.types import Issue, Label
from bot.flow.enrich import prepare
from bot.flow.export import Exporter
from tests.configs import parse
from tests.fakes import make_issue

BODY = "The export to PDF stops at page 3 since version 4.2. Other formats work."
KEY = "sk-quokkaberry" + "0123456789abcdefghijABCDEFGHIJ"
LABELS = [
    Label("bug", "Something is broken"),
    Label("area/export"),
    Label("wontfix"),
    Label("in progress"),
    Label("secret/plans"),
]


def issue(*labels: str, title: str = "PDF export stops", body: str = BODY) -> Issue:
    return make_issue(title, body, labels)


def make_exporter(config: str = "") -> Exporter:
    return Exporter(LABELS, parse(config)[0] if config else RepoConfig())


def contents(example: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Return what system, user and assistant say."""
    assert example is not None
    assert [x["role"] for x in example["messages"]] == ["system", "user", "assistant"]
    system, user, assistant = (x["content"] for x in example["messages"])
    return system, user, assistant


def test_an_example_has_the_messages_that_tagline_sends() -> None:
    request = prepare(issue(), LABELS, RepoConfig()).build_prompt()
    system, user, _ = contents(make_exporter().make_example(issue("bug")))
    assert (system, user) == (request.system, request.user)


def test_the_answer_has_the_labels_of_people_and_is_one_that_tagline_accepts() -> None:
    one = issue("bug", "wontfix", "area/export", "in progress", "gone since")
    answer = contents(make_exporter().make_example(one))[2]
    reply = require_summary(parse_reply(answer), one.title)
    assert [x.label for x in reply.labels] == ["bug", "area/export"]
    assert {x.certainty for x in reply.labels} == {"sure"}
    assert reply.summary == "The export to PDF stops at page 3 since version 4.2."
    data = json.loads(answer)
    assert set(data) == {"summary", "labels"}
    assert all(set(x) == {"name", "certainty", "reason"} for x in data["labels"])


def test_labels_that_the_configuration_denies_are_left_out() -> None:
    exporter = make_exporter("labels: {deny: [secret/*], allow: ['*', wontfix]}")
    assert exporter.list_labels(issue("secret/plans", "bug", "wontfix")) == ("bug",)
    # "wontfix" is allowed by name, but is about the work on an issue.


@pytest.mark.parametrize("redact", ["[]", "[emails]", "[secrets]", "[secrets, emails]"])
def test_secrets_are_replaced_whatever_the_configuration_shows_to_a_model(redact: str) -> None:
    exporter = make_exporter(f"privacy: {{redact: {redact}}}")
    one = issue("bug", title=f"Key {KEY} fails", body=f"The key {KEY} of ada@acme.dev is refused.")
    written = json.dumps([exporter.make_example(one), exporter.make_row(one)])
    assert "[redacted:" in written
    assert KEY not in written
    assert ("ada@acme.dev" in written) is ("emails" not in redact)


@pytest.mark.parametrize(
    ("title", "body"),
    [("PDF export stops", ""), ("PDF export stops", "```\ncode\n```"), ("x", "N/A"), ("", "")],
)
def test_an_issue_without_a_sentence_for_the_summary_gives_no_example(
    title: str, body: str
) -> None:
    assert make_exporter().make_example(issue("bug", title=title, body=body)) is None


def test_an_answer_has_only_labels_that_the_prompt_offers_and_not_too_many() -> None:
    many = [Label(f"area/part-{n}") for n in range(300)]
    one = make_issue("PDF export stops", BODY, [label.name for label in many])
    exporter = Exporter(many, RepoConfig())
    _, user, assistant = contents(exporter.make_example(one))
    offered = {label["name"] for label in json.loads(user)["labels"]}
    answered = {label["name"] for label in json.loads(assistant)["labels"]}
    assert len(offered) < len(many)
    assert len(answered) == MAX_LABELS
    assert answered <= offered


def test_a_row_has_number_title_body_and_labels() -> None:
    one = issue("bug", "wontfix", "area/export", body="First.\r\nSecond.")
    row = make_exporter().make_row(one)
    assert row == ("41", "PDF export stops", "First.\nSecond.", "bug;area/export")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_no_cell_is_a_formula(start: str) -> None:
    text = f"{start}HYPERLINK(A1)"
    exporter = Exporter([Label(text)], RepoConfig())
    one = replace(issue(text), title=text, body=text)
    assert exporter.make_row(one)[1:] == (f"'{text}", f"'{text}", f"'{text}")
