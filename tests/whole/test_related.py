"""A second report of the same thing, on both hosts: older issues in the comment."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.whole.app import App

TITLE = "Upload stops with TimeoutError in the quokkaberry exporter"
BODY = (
    "I upload a file of 3 GB in the exporter and it stops at 40 %.\n\n"
    "```\nTimeoutError: wombatstream did not answer within 30 s\n```\n\nVersion 4.2, Debian 12."
)
AGAIN = "Exporter: uploading big files ends with a TimeoutError"
MORE = (
    "Since yesterday:\n\n```\nTimeoutError: wombatstream did not answer within 31 s\n```\nFedora."
)
OTHERS = ("Dark theme for the charts", "Typo in the manual", "Login page is slow", "Sort by date")
# What GitHub and GitLab take for a reference to an issue in the address of a link.
REFERENCES = {
    "github": re.compile(r"https?://(?:www\.)?[^/]+/[\w.-]+/[\w.-]+/issues/\d+(?:[#?][\w=&-]*)?"),
    "gitlab": re.compile(
        r"[^?]+/(?:-/)?(?:issues|work_items)/\d+/*(?:\?[a-z0-9_=&-]+)?(?:#[a-z0-9_-]+)?"
    ),
}


def open_old(app: App, title: str = TITLE, body: str = BODY, age: float = 86_400.0) -> int:
    at = time.time() - age
    return app.host.open_issue(app.repo, title, body, created_at=at, deliver=False)


def open_others(app: App) -> None:
    for title in OTHERS:
        open_old(app, title, f"{title}, please.")


def lines(app: App, number: int) -> list[str]:
    (comment,) = app.comments(number)
    return [x for x in comment.body.split("\n") if x.startswith(("- **Maybe", "- **Possibly"))]


def test_a_second_report_names_the_first_with_its_evidence(app: App) -> None:
    open_others(app)
    first = open_old(app)
    second = app.issue(AGAIN, MORE)
    (line,) = lines(app, second)
    assert line.startswith(f"- **Maybe related:** [{first} Upload stops")
    assert "(open; same error" in line
    links = re.findall(r"\(<([^>]*)>\)", line)
    assert [str(first) in link for link in links] == [True]
    assert not REFERENCES[app.on].fullmatch(links[0])
    assert app.events("warning") == []


def test_what_was_fixed_before_is_possibly_a_return(app: App) -> None:
    open_others(app)
    first = open_old(app)
    app.host.set_milestone(app.repo, first, "4.1")
    app.host.close_issue(app.repo, first, deliver=False)
    (line,) = lines(app, app.issue(AGAIN, MORE))
    assert line.startswith(f"- **Possibly a return of:** [{first} Upload stops")
    assert "milestone 4.1" in line.replace("\\", "")


def test_a_duplicate_leads_to_its_original_where_the_forge_names_it(app: App) -> None:
    open_others(app)
    original = open_old(app, "Big uploads stop with TimeoutError", "wombatstream again")
    second = open_old(app)
    app.host.close_issue(app.repo, second, duplicate_of=original, deliver=False)
    named = [
        int(x) for line in lines(app, app.issue(AGAIN, MORE)) for x in re.findall(r"\[(\d+) ", line)
    ]
    assert second not in named
    assert named == [original]


def test_nothing_of_older_issues_is_kept_or_logged(app: App) -> None:
    open_others(app)
    open_old(app)
    app.issue(AGAIN, MORE)
    stored = b"".join(app.redis.dump(key) or b"" for key in app.redis.scan_iter())
    for word in ("quokkaberry", "wombatstream", "Upload stops"):
        assert word not in app.lines.getvalue()
        assert word.encode() not in stored


@pytest.mark.parametrize("similar", [0, 3])
def test_a_job_sends_few_requests_more(app: App, similar: int) -> None:
    open_others(app)
    open_old(app)
    app.configure(f"comment: {{similar: {similar}}}")
    app.issue("Another thing to warm the caches", "Nothing special at all here.")
    app.box.hosts[app.on].settle()
    before = len(app.host.exchanges)
    app.issue(AGAIN, MORE)
    sent = [
        x for x in app.host.exchanges[before:] if x.path.find("search") >= 0 or "search=" in x.query
    ]
    assert len(sent) <= {0: 0, 3: {"github": 2, "gitlab": 3}[app.on]}[similar]
    assert bool(sent) == bool(similar)


def test_the_prompt_has_examples_of_labels_by_people(app: App) -> None:
    first = open_old(app)
    app.host.label_by_person(app.repo, first, "area/api", deliver=False)
    app.issue(AGAIN, MORE)
    messages = app.box.model_requests[-1].body["messages"]
    data: dict[str, Any] = json.loads(messages[-1]["content"])
    assert data["examples"] == [{"title": TITLE, "labels": ["area/api"]}]
