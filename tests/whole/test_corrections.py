"""A maintainer corrects labels; from then on they are only suggested, until that changes."""

from __future__ import annotations

import json
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.core.jobs import JobRecord
from bot.core.types import Rate
from bot.sandbox.state import MAINTAINER
from tests.whole.app import BODY, TITLE, App, Build
from tests.whole.test_command_line import CommandResult, tagline
from tests.whole.test_training import repo_key

_numbers = count(1)


def open_issue(app: App) -> int:
    """Open an issue of another author, a minute ago."""
    n, at = next(_numbers), time.time() - 60
    body, author = f"{BODY} Attempt {n}.", f"author-{n}"
    return app.host.open_issue(app.repo, TITLE, body, author=author, created_at=at)


def answered(app: App) -> int:
    """Return a new issue that the bot has answered."""
    number = open_issue(app)
    app.wait_for_job()
    return number


def remove(app: App, number: int, label: str) -> JobRecord:
    """Let a maintainer remove a label, and wait for the job that follows."""
    app.host.unlabel_by_person(app.repo, number, label)
    return app.wait_for_end()


def add(app: App, number: int, label: str) -> JobRecord:
    app.host.label_by_person(app.repo, number, label)
    return app.wait_for_end()


def command(app: App, folder: Path, *arguments: str) -> CommandResult:
    result = tagline(*arguments, cwd=folder, environment=app.environ)
    assert result.returncode == 0, result.stderr
    return result


def stats(app: App, folder: Path) -> dict[str, Any]:
    text = command(app, folder, "stats", f"{app.on}:{app.repo}", "--json").stdout
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_label_that_a_maintainer_corrects_three_times_is_only_suggested(
    app: App, tmp_path: Path
) -> None:
    corrected = []
    for _ in range(3):
        number = answered(app)
        assert app.labels(number) == ["bug", "area/login"]
        job = remove(app, number, "bug")
        assert (job.outcome, job.why) == ("recorded", "1 removed, 1 kept")
        corrected.append(number)

    number = answered(app)
    assert app.labels(number) == ["area/login"]
    (comment,) = app.comments(number)
    assert "Suggested, not applied: `bug`" in comment.body
    assert "(only suggested: people removed it three times in a row)" in comment.body

    for old in corrected:
        command(app, tmp_path, "enrich", app.ref(old), "--apply")
        assert app.labels(old) == ["area/login"], "a label that was removed never returns"

    shown = stats(app, tmp_path)
    assert (shown["v"], shown["repository"], shown["learns"]) == (1, f"{app.on}:{app.repo}", True)
    rows = {row["label"]: row for row in shown["labels"]}
    bug, area = rows["bug"], rows["area/login"]
    assert (bug["applied"], bug["removed"], bug["kept_share"]) == (3, 3, 0.0)
    assert (area["applied"], area["kept"], area["kept_share"]) == (4, 3, 1.0)
    assert (bug["only_suggested"], area["only_suggested"]) == (True, False)
    (demotion,) = shown["demotions"]
    assert (demotion["label"], demotion["issues"]) == ("bug", corrected)
    assert [x["verdict"] for x in shown["corrections"]].count("removed") == 3

    text = command(app, tmp_path, "stats", f"{app.on}:{app.repo}").stdout
    assert "Only suggested: labels that people removed three times in a row" in text
    assert f"tagline resume {app.on}:{app.repo} LABEL" in text

    resumed = command(app, tmp_path, "resume", f"{app.on}:{app.repo}", "Bug")
    assert resumed.stdout == "Applied again from now on: bug\n"
    assert app.labels(answered(app)) == ["bug", "area/login"]
    again = tagline("resume", f"{app.on}:{app.repo}", "bug", cwd=tmp_path, environment=app.environ)
    assert again.returncode == 1
    assert "bug is not a label that is only suggested. No label is." in again.stderr
    assert app.created_labels() == []


@pytest.mark.slow
def test_a_label_that_maintainers_set_themselves_is_applied_again(app: App, tmp_path: Path) -> None:
    for _ in range(3):
        remove(app, answered(app), "bug")
    for _ in range(3):
        number = answered(app)
        assert app.labels(number) == ["area/login"]
        add(app, number, "bug")
    assert app.labels(answered(app)) == ["bug", "area/login"]
    assert stats(app, tmp_path)["demotions"] == []


def test_a_label_that_was_removed_with_an_edit_of_the_issue_is_a_correction(app: App) -> None:
    number = answered(app)
    title = f"{TITLE}, and in Chrome"
    app.host.edit_issue(app.repo, number, title=title, login=MAINTAINER, unlabel="bug")
    key = repo_key(app)

    def find_verdicts() -> dict[str, str]:
        return {one.label: one.verdict for one in app.store.corrections.list(key)}

    assert app.wait(find_verdicts) == {"bug": "removed", "area/login": "kept"}
    assert app.labels(number) == ["area/login"]


@pytest.mark.slow
def test_a_changed_configuration_ends_a_demotion(app: App, tmp_path: Path) -> None:
    for _ in range(3):
        remove(app, answered(app), "bug")
    assert [row["label"] for row in stats(app, tmp_path)["demotions"]] == ["bug"]
    app.configure("language: [de")
    assert [row["label"] for row in stats(app, tmp_path)["demotions"]] == ["bug"]
    app.configure("learn: {from_corrections: false}")
    result = command(app, tmp_path, "stats", f"{app.on}:{app.repo}")
    assert "learn.from_corrections is false" in result.stderr
    assert stats(app, tmp_path)["demotions"] == []


@pytest.mark.slow
def test_a_label_that_is_seldom_wrong_is_not_demoted(app: App, tmp_path: Path) -> None:
    """Maintainers close the issues whose labels are right, and touch no label of these."""
    for _ in range(3):
        for _ in range(2):
            app.host.close_issue(app.repo, answered(app))
        remove(app, answered(app), "bug")
    assert app.labels(answered(app)) == ["bug", "area/login"]
    shown = stats(app, tmp_path)
    assert shown["demotions"] == []
    verdicts = [row["verdict"] for row in shown["corrections"] if row["label"] == "bug"]
    assert sorted(verdicts) == ["kept", "removed", "removed", "removed"]


def test_labels_that_a_bot_changes_start_no_job(app: App) -> None:
    number = answered(app)
    app.host.hooks.settle()
    changes = [x for x in app.host.deliveries if b'"label' in x.body and x.action != "opened"]
    assert changes, "the forge reports the bot's own labels"
    assert {delivery.job for delivery in changes} == {None}
    other = app.host.state.user("renovate[bot]" if app.on == "github" else "group_7_bot_ab")
    app.host.unlabel_by_person(app.repo, number, "bug", login=other.login)
    assert app.host.deliveries[-1].job is None
    assert app.host.deliveries[-1].status == 202


@pytest.mark.slow
def test_the_share_of_kept_labels_rises_over_200_issues(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A maintainer removes area/login from each, and adds documentation to every other one."""
    for client in ("github.api.GitHub", "gitlab.api.GitLab"):
        monkeypatch.setattr(f"bot.forges.{client}.rate", Rate(10_000, 10_000))
    kept, removed = [], []
    for _ in range(10):
        numbers = [open_issue(app) for _ in range(20)]
        app.wait(lambda: all(app.comments(number) for number in numbers))  # noqa: B023
        given = [(number, label) for number in numbers for label in app.labels(number)]
        wrong = [number for number, label in given if label == "area/login"]
        for number in wrong:
            app.host.unlabel_by_person(app.repo, number, "area/login")
        for number in numbers[::2]:
            app.host.label_by_person(app.repo, number, "documentation")
        jobs = {x.job for x in app.host.deliveries if x.job and b'"label' in x.body}
        for job in jobs:
            app.wait_for_end(job)
        kept.append(1 - len(wrong) / len(given))
        removed += wrong
    assert kept[0] <= 0.6
    assert kept[1:] == [1.0] * 9
    assert all("area/login" not in app.labels(number) for number in removed)
    (demotion,) = stats(app, tmp_path)["demotions"]
    assert demotion["label"] == "area/login"


NO_APP = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}


@pytest.fixture
def personal(build: Build) -> App:
    """An app with the token of a person, whose own label changes have the same author."""
    app = build()
    token = app.box.gitlab.access.issue("glpat-of-a-person", MAINTAINER).text
    tokens = {"GITHUB_TOKEN": app.box.token, **NO_APP}
    app.environment |= tokens if app.on == "github" else {"GITLAB_TOKEN": token}
    return app


def test_with_a_personal_token_only_the_person_s_own_changes_count(
    personal: App, tmp_path: Path
) -> None:
    app = personal
    login = app.box.token_login if app.on == "github" else MAINTAINER
    with app.open():
        number = answered(app)
        app.host.hooks.settle()
        app.wait_for_end()
        own = [x for x in app.host.deliveries if x.job and x.job != app.opened.job]
        assert own, "the bot's own labels look like a person's"
        assert stats(app, tmp_path)["corrections"] == []
        app.host.unlabel_by_person(app.repo, number, "bug", login=login)
        assert app.wait_for_end().why == "1 removed, 1 kept"
        assert app.labels(number) == ["area/login"]


def test_a_name_of_a_label_cannot_control_a_terminal(app: App, tmp_path: Path) -> None:
    name = "a\x1b[2Jb"
    app.host.state.repo(app.repo).labels[name] = ""
    add(app, answered(app), name)
    text = command(app, tmp_path, "stats", f"{app.on}:{app.repo}").stdout
    assert "a?[2Jb" in text
    assert "\x1b" not in text


def test_a_repository_without_corrections_has_empty_statistics(app: App, tmp_path: Path) -> None:
    text = command(app, tmp_path, "stats", f"{app.on}:{app.repo}").stdout
    assert "None yet: Tagline has applied no label" in text
    resumed = command(app, tmp_path, "resume", f"{app.on}:{app.repo}")
    assert (resumed.stdout, resumed.stderr) == ("", "No label is only suggested.\n")
    assert json.loads(
        command(app, tmp_path, "resume", f"{app.on}:{app.repo}", "--json").stdout
    ) == {"v": 1, "repository": f"{app.on}:{app.repo}", "resumed": [], "related": False}
