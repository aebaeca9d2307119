"""`tagline backtest REPO`, on both hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tests.whole.app import App
from tests.whole.test_command_line import CommandResult, tagline

YEAR_AGO, DAY = 365 * 86_400, 86_400
TITLES = {
    "bug": "The window crashes on start in release {}",
    "documentation": "The manual has a wrong sentence in chapter {}",
}


def backtest(app: App, folder: Path, *words: str) -> CommandResult:
    result = tagline(
        "backtest", f"{app.on}:{app.repo}", *words, cwd=folder, environment=app.environ
    )
    assert "Traceback" not in result.stderr
    return result


def add_history(app: App, rounds: int) -> None:
    """Add issues of people, the oldest first, and others that do not count."""
    at = time.time() - YEAR_AGO
    for n in range(rounds):
        for k, (label, title) in enumerate(TITLES.items()):
            add(app, title.format(n), at + n * DAY + k, label)
    add(app, "Nobody has read this", at)
    add(app, "People decide", at, "wontfix")


def add(app: App, title: str, created: float, *labels: str) -> None:
    app.host.open_issue(app.repo, title, "", labels=list(labels), created_at=created, deliver=False)


def test_past_issues_are_replayed_in_time_order_and_nothing_is_written(
    app: App, tmp_path: Path
) -> None:
    add_history(app, 15)

    result = backtest(app, tmp_path, "--json")

    assert result.returncode == 0, result.stderr
    (repository,) = json.loads(result.stdout)["repositories"]
    assert (repository["issues"], repository["replayed"]) == (30, 15)
    (run,) = repository["runs"]
    assert run["precision"]["value"] == 1.0
    assert run["coverage"]["value"] > 0.5
    assert not app.box.model_requests


def test_the_report_ends_in_one_sentence(app: App, tmp_path: Path) -> None:
    add_history(app, 15)

    result = backtest(app, tmp_path)

    last = result.stdout.rstrip().splitlines()[-1].strip()
    assert last.startswith("Of your last 15 issues, Tagline would have labelled ")
    assert last.endswith(" of them as you did.")


def test_a_configuration_that_cannot_be_read_is_named_and_narrows_the_last_readable_one(
    app: App, tmp_path: Path
) -> None:
    add_history(app, 15)
    app.configure("labels: {deny: [bug]}\n")
    app.issue()
    app.configure("labels: {deny: [documentation]}\nmode: [apply\n")

    result = backtest(app, tmp_path, "--json")

    assert f"tagline.yml of {app.on}:{app.repo}: line 2, not valid YAML" in result.stderr
    assert "it cannot be read, so the last readable one holds" in result.stderr
    (repository,) = json.loads(result.stdout)["repositories"]
    assert repository["issues"] == 0, "neither of both labels may be set"


@pytest.mark.parametrize("known", [True, False])
def test_without_a_readable_configuration_the_cautious_one_holds(
    app: App, tmp_path: Path, known: bool
) -> None:
    add_history(app, 15)
    app.configure("labels: {deny: [documentation]}\nmode: [apply\n")
    if not known:
        app.environment["REDIS_URL"] = "redis://127.0.0.1:1/0"

    result = backtest(app, tmp_path, "--json")

    app.environment.pop("REDIS_URL", None)
    assert "Redis knows no earlier one, so labels are only suggested until it can" in result.stderr
    (repository,) = json.loads(result.stdout)["repositories"]
    labels = {label["name"] for label in repository["runs"][0]["labels"]}
    assert labels == {"bug", "enhancement", "area/login", "area/api"}


def test_a_configuration_with_a_wrong_value_is_named(app: App, tmp_path: Path) -> None:
    add_history(app, 15)
    app.configure("langauge: de\n")
    for command in (["backtest"], ["export", "--format", "csv"], ["labels", "doctor"]):
        name = f"{app.on}:{app.repo}"
        result = tagline(*command, name, cwd=tmp_path, environment=app.environ)
        assert result.returncode == 0, result.stderr
        assert f"tagline.yml of {name}: line 1, langauge: " in result.stderr
        assert f"tagline.yml of {name}: its other settings hold." in result.stderr


def test_an_empty_repository_has_nothing_to_replay(app: App, tmp_path: Path) -> None:
    result = backtest(app, tmp_path)

    assert result.returncode == 1
    assert "too few labelled issues" in result.stderr


def test_a_backtest_that_is_killed_continues(app: App, tmp_path: Path) -> None:
    add_history(app, 15)
    app.environment["DATA_DIR"] = str(tmp_path / "data")
    app.box.fault("model-timeout", times=None)
    kept = tmp_path / "data" / "backtest"
    words = ["backtest", f"{app.on}:{app.repo}", "--model", "sandbox-rules", "--json"]

    killed = subprocess.Popen(
        [sys.executable, "-m", "bot", *words],
        env={**os.environ, **app.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(list(kept.glob("?" * 64))) == 3)  # complete files, one for each block
    killed.kill()
    killed.wait()
    app.box.clear_faults()
    result = backtest(app, tmp_path, *words[2:])

    assert result.returncode == 0, result.stderr
    assert "Continued an incomplete backtest: 3 of its results were used again." in result.stderr
    (repository,) = json.loads(result.stdout)["repositories"]
    assert (repository["replayed"], repository["runs"][0]["failed"]) == (15, 0)
    assert not list(kept.iterdir())
