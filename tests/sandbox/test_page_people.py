"""What people do on an issue of the demo's page: decide on suggestions, write comments."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.sandbox.page.demo_backend import DemoIssue, SuggestionView

from .demo_visitor import ANSWER, Browser, status_of, steps_of

HOSTILE = "<img src=x onerror=alert(1)>"
SUGGESTED = (
    SuggestionView(7, "add_label", "area/ui", 'the text says "button"', "low"),
    SuggestionView(8, "set_type", f"Task {HOSTILE}", f"*ends* {HOSTILE}"),
)


@pytest.fixture
def browser() -> Browser:
    return Browser()


def open_with_suggestions(browser: Browser) -> str:
    """Open an issue that has suggestions after its job; return its path."""
    path = browser.open().url.path
    browser.backend.end("enrichment succeeded", ("bug",), ANSWER, model="m", tokens_in=1)
    ref = next(iter(browser.backend.issues))
    issue = replace(browser.backend.issues[ref], type="Bug", suggestions=SUGGESTED)
    browser.backend.issues[ref] = issue
    return path


def test_the_type_and_what_is_suggested_are_shown_as_text(browser: Browser) -> None:
    page = browser.get(open_with_suggestions(browser))
    assert status_of(page) == "Answered in 250 ms: 1 comment, type Bug and 1 label, 2 suggestions."
    assert '<li class="type"><b>Type</b> Bug</li>' in page
    assert "Add label <b>area/ui</b>" in page
    assert "low confidence" in page
    assert "Set type <b>Task &lt;img" in page
    assert "<em>ends</em>" in page
    assert HOSTILE not in page


def test_a_suggestion_is_accepted_or_dismissed_once(browser: Browser) -> None:
    path = open_with_suggestions(browser)
    accepted = browser.post(f"{path}/suggestions", suggestion="7", decision="accept").text
    assert status_of(accepted) == (
        "A maintainer accepted a suggestion, which added the label area/ui."
    )
    assert "Add label" not in accepted
    assert browser.backend.issues["github:acme/widget#1"].labels == ("bug", "area/ui")
    again = browser.post(f"{path}/suggestions", suggestion="7", decision="dismiss").text
    assert "does not wait for a decision any more" in status_of(again)
    dismissed = browser.post(f"{path}/suggestions", suggestion="8", decision="dismiss").text
    assert status_of(dismissed).startswith("A maintainer dismissed the suggestion Task")
    assert "Suggested changes" not in dismissed
    assert browser.backend.issues["github:acme/widget#1"].labels == ("bug", "area/ui")


@pytest.mark.parametrize(
    ("form", "notice"),
    [
        ({"suggestion": "7", "decision": "close"}, "Choose Accept or Dismiss."),
        ({"suggestion": "7"}, "Choose Accept or Dismiss."),
        ({}, "Choose Accept or Dismiss."),
        ({"decision": "accept"}, "does not wait for a decision any more"),
        ({"suggestion": "99", "decision": "accept"}, "does not wait for a decision any more"),
        ({"suggestion": HOSTILE, "decision": "dismiss"}, "does not wait for a decision any more"),
    ],
)
def test_a_wrong_decision_is_explained_and_changes_nothing(
    browser: Browser, form: dict[str, str], notice: str
) -> None:
    path = open_with_suggestions(browser)
    before = dict(browser.backend.issues)
    answer = browser.post(f"{path}/suggestions", **form)
    assert (answer.status_code, answer.url.path) == (200, path)
    assert notice in status_of(answer.text)
    assert browser.backend.issues == before


@pytest.mark.parametrize(
    ("form", "notice"),
    [
        ({"body": "/tagline why"}, "Choose who writes the comment"),
        ({"body": "/tagline why", "author": "tagline-bot[bot]"}, "Choose who writes the comment"),
        ({"author": "maintainer"}, "A comment needs text."),
        ({"author": "stranger", "body": " \r\n"}, "A comment needs text."),
        ({"author": "stranger", "body": "x" * 65_537}, "A comment has at most 65,536 characters."),
    ],
)
def test_a_wrong_comment_is_explained_and_not_written(
    browser: Browser, form: dict[str, str], notice: str
) -> None:
    path = browser.open().url.path
    answer = browser.post(f"{path}/comments", **form)
    assert (answer.status_code, answer.url.path) == (200, path)
    assert notice in status_of(answer.text)
    assert browser.backend.issues["github:acme/widget#1"].comments == ()


def test_comments_and_decisions_on_an_unknown_issue_lead_to_the_start(browser: Browser) -> None:
    for action in ("comments", "suggestions"):
        answer = browser.post(f"/sandbox/issues/github/99/{action}", body="Hi", author="maintainer")
        assert (answer.status_code, answer.url.path) == (200, "/sandbox")


@pytest.mark.parametrize("action", ["comments", "suggestions"])
def test_foreign_pages_can_neither_comment_nor_decide(browser: Browser, action: str) -> None:
    path, form = open_with_suggestions(browser), {"body": "Hi", "author": "maintainer"}
    before = dict(browser.backend.issues)
    answer = browser.request(
        "POST", f"{path}/{action}", data=form, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403
    assert browser.backend.issues == before


def test_a_command_is_followed_from_the_comment_to_the_reaction(browser: Browser) -> None:
    path = open_with_suggestions(browser)
    issue = DemoIssue("github", "acme/widget", 1, "guid", "job")
    form = {"body": "/tagline why", "author": "maintainer"}
    page = browser.post(f"{path}/comments", **form).text
    assert status_of(page) == "The webhook of the comment was delivered and its job was queued."
    assert '<p class="working">' in page
    browser.backend.record(issue, "reading commands", kind="command")
    assert "The worker reads the comment" in status_of(browser.get(path))
    browser.backend.react()
    ended = {"outcome": "executed", "result": "why: explained", "seconds": 0.01}
    browser.backend.record(issue, "commands ended", **ended)
    page = browser.get(path)
    assert status_of(page) == "Tagline carried out the command (why: explained)."
    assert re.search(
        r'aria-label="Reactions"><li><span aria-hidden="true">.</span> eyes</li>', page
    )
    assert steps_of(page) == ["done"] * 5


def test_a_stranger_s_command_is_shown_as_ignored(browser: Browser) -> None:
    path = open_with_suggestions(browser)
    issue = DemoIssue("github", "acme/widget", 1, "guid", "job")
    browser.post(f"{path}/comments", body="/tagline undo", author="stranger")
    browser.backend.record(issue, "reading commands", kind="command")
    why = {"outcome": "skipped", "result": "its author may not change labels"}
    browser.backend.record(issue, "commands ended", **why)
    page = browser.get(path)
    assert status_of(page) == (
        "Tagline ignored the comment, without a reaction: its author may not change labels."
    )
    assert "Reactions" not in page
    assert "1,652" not in page
    assert "rules, without a model" not in page


def test_a_comment_without_a_command_starts_nothing_and_is_shown_as_text(browser: Browser) -> None:
    path = open_with_suggestions(browser)
    body = f"{HOSTILE}\n\n<!-- tagline:v1 --> @everyone"
    page = browser.post(f"{path}/comments", body=body, author="stranger").text
    assert status_of(page) == "The comment has no command, so nothing was queued."
    assert HOSTILE not in page
    assert page.count('<span class="bot">bot</span>') == 1
    assert "Comments of people" in page


def test_what_people_write_is_no_attempt_that_succeeded(browser: Browser) -> None:
    path = browser.open(sample="injection").url.path
    browser.backend.end("enrichment succeeded", (), "Crashes.", model="m", tokens_in=1)
    page = browser.post(f"{path}/comments", body="@everyone ![](/x.png)", author="stranger").text
    assert page.count('<li class="refused">') == 6


@pytest.mark.parametrize(
    ("host", "command"), [("github", "/tagline why"), ("gitlab", "@project_77_bot_ab12cd34 why")]
)
def test_the_form_has_a_command_as_the_host_writes_it(
    browser: Browser, host: str, command: str
) -> None:
    assert "Write a comment" not in browser.get("/sandbox")
    page = browser.post("/sandbox/issues", host=host, sample="bug").text
    assert f">{command}</textarea>" in page


def test_a_poll_leaves_the_text_that_somebody_types(browser: Browser) -> None:
    path = browser.open().url.path
    htmx = {"HX-Request": "true"}
    acted = browser.request("GET", path, headers=htmx).text
    polled = browser.request("GET", f"{path}?seen=0", headers=htmx).text
    assert ("<textarea" in acted, "<textarea" in polled) == (True, False)
    assert 'hx-swap-oob="innerHTML:#result"' in polled
