"""The comment names what a report lacks, and no longer when the author gives it, on both hosts."""

from __future__ import annotations

import json

import pytest

from bot.flow.render import MISSING
from tests.core.issue_forms import BUG_FORM, GITLAB_TEMPLATE, fill
from tests.whole.app import App

AUTHOR, STRANGER = "octocat", "stranger"
CRASH = "The widget crashes with an exception."
ON = "comment: {missing_info: true}"
SUMMARY = json.dumps({"summary": "The widget crashes with an exception.", "labels": ["bug"]})
GITLAB_BODY = f"""\
### Summary

{CRASH}

### What is the expected correct behavior?

It works.

### Steps to reproduce

"""
FULL = {
    "github": fill(CRASH, "4.2", "1. Run it", "Linux", "core"),
    "gitlab": f"{GITLAB_BODY}1. Run it\n",
}
LACKING = {
    "github": "Version, Steps to reproduce, Operating system",
    "gitlab": "Steps to reproduce",
}


@pytest.fixture
def asking(app: App) -> App:
    """A repository with a form or template for bugs, whose comments name what is missing."""
    app.configure(ON)
    file = {"github": BUG_FORM, "gitlab": GITLAB_TEMPLATE}[app.on]
    app.host.state.repo(app.repo).files[file.path] = file.text
    return app


def open_issue(app: App, body: str = "") -> int:
    app.box.replies.append(SUMMARY)
    empty = {"github": fill(CRASH), "gitlab": GITLAB_BODY}[app.on]
    return app.issue("It crashes", body or empty)


def line(app: App, number: int) -> str:
    (comment,) = app.comments(number)
    lines = [x.removeprefix(MISSING) for x in comment.body.split("\n") if x.startswith(MISSING)]
    return "".join(lines)


def calls(app: App) -> int:
    return len(app.box.model_requests)


def jobs(app: App) -> list[str]:
    return [delivery.job for delivery in app.host.deliveries if delivery.job]


def test_an_edit_of_the_author_withdraws_the_line(asking: App) -> None:
    number = open_issue(asking)
    assert line(asking, number) == LACKING[asking.on]
    (before,), before_calls = asking.comments(number), calls(asking)
    asking.host.edit_issue(asking.repo, number, body=FULL[asking.on])
    assert asking.wait_for_end().outcome == "updated"
    (after,) = asking.comments(number)
    assert after.id == before.id
    assert after.body == before.body.replace(f"\n{MISSING}{LACKING[asking.on]}", "")
    assert calls(asking) == before_calls


def test_a_comment_of_the_author_withdraws_the_line(asking: App) -> None:
    number = open_issue(asking)
    before_calls = calls(asking)
    body = "Version 4.2 on Linux. To reproduce, run the core component."
    asking.host.comment_by_person(asking.repo, number, body, login=AUTHOR)
    assert asking.wait_for_end().outcome == "updated"
    assert line(asking, number) == ""
    assert calls(asking) == before_calls
    done = jobs(asking)
    asking.host.comment_by_person(asking.repo, number, "Anything else?", login=AUTHOR)
    assert asking.wait_for_end().why == "the comment asks for nothing"
    assert len(jobs(asking)) == len(done) + 1


def test_a_stranger_s_comment_makes_no_job(asking: App) -> None:
    number = open_issue(asking)
    done = jobs(asking)
    body = "I see it too: version 4.2 on Linux. To reproduce, run the core component."
    asking.host.comment_by_person(asking.repo, number, body, login=STRANGER)
    assert jobs(asking) == done
    assert line(asking, number) == LACKING[asking.on]


def test_without_the_key_an_author_s_comment_costs_no_request(app: App) -> None:
    number = open_issue(app, FULL[app.on])
    before = len(app.host.exchanges)
    app.host.comment_by_person(app.repo, number, "Anything else?", login=AUTHOR)
    assert app.wait_for_end().why == "the comment asks for nothing"
    assert len(app.host.exchanges) == before


def test_a_report_with_all_that_is_asked_for_gets_no_line(asking: App) -> None:
    assert line(asking, open_issue(asking, FULL[asking.on])) == ""


@pytest.mark.parametrize("fault", ["forge-403", "forge-404"])
def test_without_the_right_to_read_files_there_is_no_line_and_one_reason(
    asking: App, fault: str
) -> None:
    match = {"github": "ISSUE_TEMPLATE", "gitlab": "/repository/tree"}[asking.on]
    asking.box.fault(fault, match=match, times=9)
    number = open_issue(asking)
    assert line(asking, number) == ""
    open_issue(asking)
    said = [x for x in asking.lines.getvalue().splitlines() if "templates cannot be read" in x]
    assert len(said) == (1 if fault == "forge-403" else 0)
    assert not any('"level": "error"' in x for x in said)


def test_the_queue_holds_no_word_of_the_author_s_comment(asking: App) -> None:
    number = open_issue(asking)
    asking.host.comment_by_person(asking.repo, number, "quokkaberry", login=AUTHOR)
    asking.wait_for_end()
    for key in asking.redis.scan_iter("*"):
        assert b"quokkaberry" not in (asking.redis.dump(key) or b"")
    assert "quokkaberry" not in asking.lines.getvalue()
