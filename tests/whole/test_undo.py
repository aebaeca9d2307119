"""`tagline undo` over HTTP: what nobody touched is as before, the rest as people left it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bot.core.types import Rate
from tests.whole.app import BODY, TITLE, App
from tests.whole.test_command_line import CommandResult, tagline

# What the bot's work and its removal leave, as on the real forges.
TRACES = ("updated_at", "label_changes", "type_changes", "deleted_comments", "suggestions")


def take_picture(app: App, number: int, *, traces: bool = False) -> dict[str, Any]:
    """Return all that the forge shows of an issue; with `traces` also its history."""
    state = asdict(app.host.state.issue(app.repo, number))
    pending = [one for one in state["suggestions"] if one["state"] == "pending"]
    hidden = () if traces else TRACES
    return {**{name: x for name, x in state.items() if name not in hidden}, "pending": pending}


def open_issues(app: App, count: int) -> dict[int, dict[str, Any]]:
    """Open issues, let the bot answer them, and return how they were before that."""
    before = {}
    for n in range(count):
        number = app.host.open_issue(
            app.repo, TITLE, f"{BODY} Attempt {n}.", author=f"author-{n}", deliver=False
        )
        before[number] = take_picture(app, number)
        app.deliver_opened(number)
    app.wait(lambda: all(app.comments(number) for number in before))
    for job in [delivery.job for delivery in app.host.deliveries if delivery.job]:
        app.wait_for_end(job)
    return before


def undo(app: App, folder: Path, *more: str) -> CommandResult:
    name = f"{app.on}:{app.repo}"
    words = ("undo", "--since", "1h", "--repo", name, *more)
    return tagline(*words, cwd=folder, environment=app.environ)


def change(app: App, number: int, how: int) -> None:
    """Let a maintainer do one of several things to an issue."""
    if how == 0:
        app.host.unlabel_by_person(app.repo, number, app.labels(number)[0])
    elif how == 1:
        app.host.label_by_person(app.repo, number, "wontfix")
    elif how == 2:
        comment = app.comments(number)[0]
        app.host.delete_comment_by_person(app.repo, number, comment.id)
    else:
        app.host.unlabel_by_person(app.repo, number, app.labels(number)[-1])
        app.host.label_by_person(app.repo, number, "documentation")


def check(app: App, folder: Path, count: int, touched: int) -> None:
    """Undo the bot's work on so many issues, of which people touched some, and compare them."""
    before = open_issues(app, count)
    step = count // touched
    by_people = [*before][::step][:touched]
    for n, number in enumerate(by_people):
        change(app, number, n % 4)
    for job in [delivery.job for delivery in app.host.deliveries if delivery.job]:
        app.wait_for_end(job)
    after = {number: take_picture(app, number, traces=True) for number in before}

    shown = undo(app, folder)
    assert shown.returncode == 0, shown.stderr
    assert f"would undo {count - touched}, leaves {touched}. Add --apply" in shown.stderr
    for number, picture in after.items():
        assert take_picture(app, number, traces=True) == picture, "a preview writes nothing"

    done = undo(app, folder, "--apply", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    states = {row["issue"]: row["state"] for row in report["issues"]}
    for number in before:
        if number in by_people:
            assert states[app.ref(number)] == "left"
            assert take_picture(app, number, traces=True) == after[number]
        else:
            assert states[app.ref(number)] == "undone"
            assert take_picture(app, number) == before[number]

    writes = len(app.host.writes(app.repo))
    again = undo(app, folder, "--apply", "--json")
    assert again.returncode == 0, again.stderr
    assert {row["state"] for row in json.loads(again.stdout)["issues"]} == {"left"}
    for number in before:
        app.deliver_opened(number)
    assert len(app.host.writes(app.repo)) == writes
    for number in set(before) - set(by_people):
        assert take_picture(app, number) == before[number]


def test_of_20_issues_the_4_that_people_changed_are_left(app: App, tmp_path: Path) -> None:
    check(app, tmp_path, 20, 4)


def test_a_person_who_asks_again_gets_an_answer(app: App, tmp_path: Path) -> None:
    (number,) = open_issues(app, 1)
    labels = app.labels(number)
    assert undo(app, tmp_path, "--apply").stdout.startswith(f"{app.ref(number)} undone: ")
    assert (app.labels(number), app.comments(number)) == ([], [])
    result = tagline("enrich", app.ref(number), "--apply", cwd=tmp_path, environment=app.environ)
    assert result.returncode == 0, result.stderr
    assert (app.labels(number), len(app.comments(number))) == (labels, 1)


def test_a_forge_that_fails_meanwhile_is_asked_again_by_the_next_run(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.flow.undo_since.PAUSE_SECONDS", 0.01)
    before = open_issues(app, 3)
    app.arm_fault("forge-502", "labels", times=None)
    failed = undo(app, tmp_path, "--apply")
    assert failed.returncode == 75
    assert "Not done: " in failed.stderr
    app.box.clear_faults()
    assert undo(app, tmp_path, "--apply").returncode == 0
    for number, picture in before.items():
        assert take_picture(app, number) == picture


def test_an_issue_that_is_gone_is_listed(app: App, tmp_path: Path) -> None:
    first, second = open_issues(app, 2)
    app.host.delete_issue(app.repo, first)
    lines = undo(app, tmp_path, "--apply").stdout.splitlines()
    assert lines[0].startswith(f"{app.ref(first)} unreachable: ")
    assert lines[1].startswith(f"{app.ref(second)} undone: ")
    again = undo(app, tmp_path, "--apply")
    assert again.stdout.splitlines() == lines[:1]
    assert again.returncode == 0


def test_the_issues_of_a_repository_that_is_gone_are_listed(app: App, tmp_path: Path) -> None:
    numbers = [*open_issues(app, 2)]
    app.host.state._repos.remove(app.host.state.repo(app.repo))
    for _ in range(2):
        result = undo(app, tmp_path, "--apply")
        assert result.returncode == 0, result.stderr
        for number, line in zip(numbers, result.stdout.splitlines(), strict=True):
            assert line.startswith(f"{app.ref(number)} unreachable: ")


def test_a_label_that_was_renamed_since_stays_and_is_listed(app: App, tmp_path: Path) -> None:
    (number,) = open_issues(app, 1)
    repo = app.host.state.repo(app.repo)
    repo.labels["defect"] = repo.labels.pop("bug")
    labels = app.host.state.issue(app.repo, number).labels
    labels[labels.index("bug")] = "defect"
    result = undo(app, tmp_path, "--apply")
    assert "1 label removed, 1 comment deleted; renamed or deleted since: bug" in result.stdout
    assert (app.labels(number), app.comments(number)) == (["defect"], [])


def test_a_repository_without_writes_is_said(app: App, tmp_path: Path) -> None:
    result = undo(app, tmp_path, "--apply")
    assert (result.returncode, result.stdout) == (0, "")
    assert "Tagline has written to no issue since " in result.stderr


@pytest.mark.slow
def test_of_200_issues_the_40_that_people_changed_are_left(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in ("github.api.GitHub", "gitlab.api.GitLab"):
        monkeypatch.setattr(f"bot.forges.{client}.rate", Rate(10_000, 10_000))
    monkeypatch.setattr("tests.whole.app.WAIT_SECONDS", 120.0)
    check(app, tmp_path, 200, 40)
