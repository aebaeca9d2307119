"""`tagline action` in jobs of both hosts, against the simulated platforms."""

from __future__ import annotations

import json
import time
from itertools import count
from pathlib import Path

import pytest

from bot.core.types import Marker
from bot.flow.render import read_marker, write_marker
from bot.sandbox.github.access import ACTIONS_BOT
from bot.sandbox.gitlab.access import BOT
from bot.sandbox.state import MAINTAINER
from tests.ci import Ci
from tests.simulation import MODEL_APIS, Exchange, Sandbox
from tests.simulation.host import edit_issue, set_state
from tests.whole.app import BODY, LABELS, TITLE, App

AUTHORS = {"github": ACTIONS_BOT, "gitlab": BOT}
ANSWER = f"Known.\n{write_marker(Marker((), '1', 'model', '0' * 16))}"
BOTH = "on: [opened, edited, reopened]"
_numbers = count(1)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.action_run.FIRST_WAIT", 0.01)


@pytest.fixture
def ci(box: Sandbox, clean: str, host: str, tmp_path: Path) -> Ci:
    """Jobs for a new repository, while no webhook is sent."""
    repo = f"acme/ci{next(_numbers)}"
    box.hosts[host].add_repo(repo, LABELS)
    box.webhook_url = box.gitlab.webhook_url = None
    return Ci(box, host, repo, tmp_path)


def open_issue(ci: Ci, title: str = TITLE, body: str = BODY, **how: object) -> int:
    return ci.host.open_issue(ci.repo, title, body, deliver=False, **how)  # type: ignore[arg-type]


def comments(ci: Ci, number: int) -> list[tuple[str, bool]]:
    """Return each comment's author, and whether it has the marker."""
    found = ci.host.comments(ci.repo, number)
    return [(one.author, read_marker(one.body) is not None) for one in found]


def test_an_opened_issue_gets_labels_and_one_comment_however_often_its_job_runs(ci: Ci) -> None:
    number = open_issue(ci)
    first = ci.run(job=ci.event(ci.opened(number)))
    assert (first.code, first.labels) == (0, ["bug", "area/login"] if ci.on == "github" else None)
    assert ci.host.labels(ci.repo, number) == ["bug", "area/login"]
    assert comments(ci, number) == [(AUTHORS[ci.on], True)]
    (comment,) = ci.host.comments(ci.repo, number)
    assert comment.body.partition("\n<!--")[0] in first.summary
    assert "redo" not in comment.body  # a job reads no commands
    again = ci.run(job=ci.event(ci.opened(number)), GITHUB_RUN_ATTEMPT="2")
    assert (again.code, again.labels) == (0, [] if ci.on == "github" else None)
    assert ci.host.comments(ci.repo, number) == [comment]


def test_a_comment_that_a_person_deleted_does_not_come_back(ci: Ci) -> None:
    number = open_issue(ci)
    ci.run(job=ci.event(ci.opened(number)))
    (comment,) = ci.host.comments(ci.repo, number)
    ci.host.delete_comment_by_person(ci.repo, number, comment.id, deliver=False)
    again = ci.run(job=ci.event(ci.opened(number)))
    assert (again.code, comments(ci, number)) == (0, [])


@pytest.mark.parametrize("has_model", [True, False])
def test_a_label_that_a_person_removed_does_not_come_back(ci: Ci, has_model: bool) -> None:
    number = open_issue(ci)
    ci.run(job=ci.event(ci.opened(number)), has_model=has_model)
    ci.host.unlabel_by_person(ci.repo, number, "bug", deliver=False)
    again = ci.run(job=ci.event(ci.opened(number)), has_model=has_model)
    swept = ci.run("--task", "backfill", job=ci.by_hand(), has_model=has_model)
    assert (again.code, swept.code) == (0, 0)
    assert "bug" not in ci.host.labels(ci.repo, number)


def test_without_a_key_labels_come_from_rules_and_the_summary_shows_the_comment(ci: Ci) -> None:
    ci.host.set_config(ci.repo, "comment: {on_fallback: true}")
    number = open_issue(ci)
    result = ci.run(job=ci.event(ci.opened(number)), has_model=False)
    assert result.code == 0
    assert "bug" in ci.host.labels(ci.repo, number)
    assert comments(ci, number) == []
    assert "Preview: no language model is configured" in result.summary
    assert "**Summary (automated):** " in result.summary
    assert "`bug`" in result.summary


def test_a_model_that_fails_leaves_labels_and_a_warning(ci: Ci) -> None:
    number = open_issue(ci)
    ci.box.fault("model-reset", times=None)
    result = ci.run(job=ci.event(ci.opened(number)))
    assert (result.code, comments(ci, number)) == (0, [])
    assert "bug" in ci.host.labels(ci.repo, number)
    assert "The language model did not answer" in result.stdout


def test_a_key_that_is_refused_is_a_warning_with_the_variable_to_look_at(ci: Ci) -> None:
    result = ci.run(job=ci.event(ci.opened(open_issue(ci))), OPENAI_API_KEY="sk-wrong")
    (warning,) = [line for line in result.stdout.splitlines() if "language model" in line]
    assert warning.endswith("(status-401), so labels come from rules: look at OPENAI_API_KEY.")
    assert result.code == 0


@pytest.mark.slow
def test_an_edited_issue_changes_its_comment_and_never_brings_a_new_one(ci: Ci) -> None:
    ci.host.set_config(ci.repo, BOTH)
    silent, answered = open_issue(ci), open_issue(ci)
    ci.run(job=ci.event(ci.opened(answered)))
    (before,) = ci.host.comments(ci.repo, answered)
    old = before.body
    for number in (silent, answered):
        values = {"title": "The manual of the API has a wrong example"}
        edited = edit_issue(ci.host.state, ci.repo, number, "octocat", values)
        assert ci.run(job=ci.event(edited)).code == 0
    (after,) = ci.host.comments(ci.repo, answered)
    assert after.id == before.id
    assert after.body != old
    assert comments(ci, silent) == []
    assert ci.host.labels(ci.repo, silent)


@pytest.mark.slow
def test_a_reopened_issue_gets_labels_and_no_new_comment(ci: Ci) -> None:
    ci.host.set_config(ci.repo, BOTH)
    number = open_issue(ci)
    event = set_state(ci.host.state, ci.repo, number, MAINTAINER, "reopened")
    assert ci.run(job=ci.event(event)).code == 0
    assert "bug" in ci.host.labels(ci.repo, number)
    assert comments(ci, number) == []


def test_without_on_edited_an_edit_changes_nothing(ci: Ci) -> None:
    number = open_issue(ci)
    edited = edit_issue(ci.host.state, ci.repo, number, "octocat", {"title": "Crash"})
    result = ci.run(job=ci.event(edited))
    assert (result.code, ci.host.labels(ci.repo, number), comments(ci, number)) == (0, [], [])


def test_a_change_of_labels_ends_with_a_line(ci: Ci) -> None:
    number = open_issue(ci)
    (event,) = ci.host.state.relabel(ci.repo, number, MAINTAINER, ["bug"])
    result = ci.run(job=ci.event(event))
    assert result.code == 0
    assert len(result.stdout.splitlines()) == 1
    assert "labels were changed" in result.stdout
    assert ci.host.writes(ci.repo) == []


@pytest.mark.slow
def test_a_schedule_labels_what_was_missed_and_comments_nothing(ci: Ci) -> None:
    at = time.time()
    missed = open_issue(ci, created_at=at - 3600)
    old, new = open_issue(ci, created_at=at - 90_000), open_issue(ci, created_at=at)
    answered = open_issue(ci, created_at=at - 3000)
    ci.run(job=ci.event(ci.opened(answered)))
    ci.host.set_config(ci.repo, BOTH)
    edit_issue(ci.host.state, ci.repo, answered, "octocat", {"title": "Documentation is wrong"})
    before = ci.host.labels(ci.repo, answered)
    for result in (ci.run(job=ci.schedule()), ci.run("--task", "sweep", job=ci.by_hand())):
        assert result.code == 0
        assert f"{ci.repo} {missed}]" in result.summary
        assert f"{ci.repo} {answered}]" not in result.summary
    assert ci.host.labels(ci.repo, missed) == ["bug", "area/login"]
    assert [ci.host.labels(ci.repo, number) for number in (old, new, answered)] == [[], [], before]
    assert [comments(ci, number) for number in (missed, old, new)] == [[], [], []]


@pytest.mark.slow
def test_a_backfill_labels_the_newest_issues_since_a_day(ci: Ci) -> None:
    at = time.time()
    old = open_issue(ci, created_at=at - 40 * 86_400)
    first, second = (open_issue(ci, created_at=at - 3 * 86_400 + n) for n in range(2))
    since = time.strftime("%Y-%m-%d", time.gmtime(at - 5 * 86_400))
    options = ("--task", "backfill", "--since", since)
    assert ci.run(*options, "--limit", "1", job=ci.by_hand()).code == 0
    assert [bool(ci.host.labels(ci.repo, n)) for n in (old, first, second)] == [False, False, True]
    assert ci.run(*options, job=ci.by_hand()).code == 0
    assert [bool(ci.host.labels(ci.repo, n)) for n in (old, first, second)] == [False, True, True]
    assert [comments(ci, n) for n in (old, first, second)] == [[], [], []]


def test_a_job_leaves_an_issue_to_the_server_that_answered_it(ci: Ci) -> None:
    number = open_issue(ci)
    login = {"github": "our-tagline[bot]", "gitlab": "group_9_bot_77"}[ci.on]
    ci.host.state.user(login, is_bot=True)
    ci.host.state.comment(ci.repo, number, ANSWER, login, None)
    result = ci.run(job=ci.event(ci.opened(number)))
    assert (result.code, ci.host.labels(ci.repo, number)) == (0, [])
    assert "another installation of Tagline has answered" in result.stdout
    assert len(comments(ci, number)) == 1


def test_a_server_leaves_an_issue_to_the_job_that_answered_it(app: App) -> None:
    login = {"github": ACTIONS_BOT, "gitlab": "group_9_bot_77"}[app.on]
    number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
    app.host.state.user(login, is_bot=True)
    app.host.state.comment(app.repo, number, ANSWER, login, None)
    app.deliver_opened(number)
    app.wait_for_job()
    assert (app.comments(number), app.labels(number)) == ([], [])


@pytest.mark.slow
def test_a_comment_that_comes_during_the_model_call_prevents_a_second_one(ci: Ci) -> None:
    number = open_issue(ci)
    login = {"github": "our-tagline[bot]", "gitlab": "group_9_bot_77"}[ci.on]
    ci.host.state.user(login, is_bot=True)
    pending = [lambda: ci.host.state.comment(ci.repo, number, ANSWER, login, None)]

    def watch(exchange: Exchange) -> None:
        if exchange.api in MODEL_APIS and pending:
            pending.pop()()

    ci.box.observe(watch)
    result = ci.run(job=ci.event(ci.opened(number)))
    ci.box.log.observers.remove(watch)
    assert (result.code, pending) == (0, [])
    assert len(comments(ci, number)) == 1


def test_a_person_cannot_keep_the_bot_silent_with_its_marker(ci: Ci) -> None:
    number = open_issue(ci)
    ci.host.comment_by_person(ci.repo, number, ANSWER, login="mallory", deliver=False)
    ci.run(job=ci.event(ci.opened(number)))
    assert comments(ci, number)[1:] == [(AUTHORS[ci.on], True)]


@pytest.mark.parametrize("mode", ["dry-run", "off", "suggest"])
def test_a_careful_mode_is_kept(ci: Ci, mode: str) -> None:
    number = open_issue(ci)
    result = ci.run(job=ci.event(ci.opened(number)), TAGLINE_MODE=mode)
    assert (result.code, ci.host.labels(ci.repo, number)) == (0, [])
    assert len(comments(ci, number)) == (mode == "suggest")
    assert ("**Summary (automated):**" in result.summary) == (mode != "off")


def test_suggestions_without_a_key_are_in_the_summary(ci: Ci) -> None:
    number = open_issue(ci)
    job = ci.event(ci.opened(number)) | {"TAGLINE_MODE": "suggest"}
    result = ci.run(job=job, has_model=False)
    assert (result.code, ci.host.labels(ci.repo, number), comments(ci, number)) == (0, [], [])
    assert "Preview: no language model is configured" in result.summary
    assert "Suggested, not applied: `bug`" in result.summary


def test_a_request_that_fails_once_is_sent_again(ci: Ci) -> None:
    number = open_issue(ci)
    ci.box.fault("forge-502")
    assert ci.run(job=ci.event(ci.opened(number))).code == 0
    assert comments(ci, number) == [(AUTHORS[ci.on], True)]


@pytest.mark.slow
def test_a_comment_whose_confirmation_is_lost_is_not_posted_twice(ci: Ci) -> None:
    number = open_issue(ci)
    ci.box.fault("comment-stored-502")
    ci.run(job=ci.event(ci.opened(number)))
    assert comments(ci, number) == [(AUTHORS[ci.on], True)]


@pytest.mark.slow
def test_a_forge_that_stays_down_is_told_with_exit_code_75(ci: Ci) -> None:
    number = open_issue(ci)
    ci.box.fault("forge-502", times=None)
    result = ci.run(job=ci.event(ci.opened(number)))
    assert result.code == 75
    assert "re-run the job" in result.stdout


def test_the_names_of_labels_are_data_in_the_output(ci: Ci) -> None:
    name = 'it\'s "odd"\n::error::x'
    ci.host.add_repo(ci.repo, {name: ""})
    number = open_issue(ci)
    ci.box.replies.append(json.dumps({"summary": "It is broken.", "labels": [name]}))
    result = ci.run(job=ci.event(ci.opened(number)))
    assert "::error::" not in result.printed
    if ci.on == "github":
        assert result.labels == ci.host.labels(ci.repo, number) == [name]


@pytest.mark.slow
@pytest.mark.parametrize("has_model", [True, False])
def test_a_preview_shows_labels_beside_those_of_people_and_writes_nothing(
    ci: Ci, has_model: bool
) -> None:
    old = open_issue(ci, labels=["bug"])
    hostile = open_issue(ci, "::error::x ##[error] @octocat <img>")
    result = ci.run("--task", "preview", job=ci.by_hand(), has_model=has_model)
    assert result.code == 0
    assert "Of the newest 2 issues" in result.stdout
    assert "Install it" not in result.summary
    assert ("Give the job the key of a language model" in result.summary) is not has_model
    assert f"| {old} Login button" in result.summary
    assert f"| {hostile} " in result.summary
    assert "<img>" not in result.summary
    assert "octocat" not in result.printed
    assert ci.host.writes(ci.repo) == []


def test_a_preview_of_a_repository_without_issues_says_so(ci: Ci) -> None:
    result = ci.run("--task", "preview", job=ci.by_hand())
    assert result.code == 1
    assert "has no issues yet" in result.stdout
