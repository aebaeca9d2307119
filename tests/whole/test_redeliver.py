"""`tagline github redeliver`: failed deliveries of the App are requested again, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli import github
from bot.sandbox.faults import Armed
from tests.simulation import Sandbox
from tests.whole.app import BODY, TITLE, App
from tests.whole.test_command_line import CommandResult, tagline

ATTEMPTS = r"POST .*/attempts$"


@pytest.fixture
def app(box: Sandbox, clean: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setattr(github, "SPACING_SECONDS", 0.0)
    app = App(box, clean)
    with app.open():
        yield app


def open_without_answer(app: App, number: int) -> list[int]:
    """Open issues whose deliveries reach nothing; the last one has timed out."""
    url, app.box.webhook_url = app.box.webhook_url, "http://127.0.0.1:1/webhooks/github"
    opened = [app.host.open_issue(app.repo, TITLE, f"{BODY} {n}") for n in range(number)]
    app.box.webhook_url = url
    app.host.deliveries[-1] = replace(app.host.deliveries[-1], timed_out=True)
    return opened


def redeliver(app: App, folder: Path, *options: str) -> CommandResult:
    arguments = ("github", "redeliver", *options)
    return tagline(*arguments, cwd=folder, environment=app.environ)


def count_attempts(app: App) -> int:
    return sum(x.method == "POST" and x.path.endswith("/attempts") for x in app.host.exchanges)


def test_failed_deliveries_are_listed_and_then_each_is_requested_once(
    app: App, tmp_path: Path
) -> None:
    app.issue()
    opened = open_without_answer(app, 3)
    again = app.host.deliveries[-3]
    app.host.redeliver(again.guid)  # by hand: a later attempt has succeeded
    shown = redeliver(app, tmp_path)
    assert "       1  issues: 502, failed to connect to host\n" in shown.stdout
    assert "       1  issues: no status code, timed out\n" in shown.stdout
    assert shown.stdout.endswith("add --apply to do it.\n")
    assert (shown.returncode, count_attempts(app)) == (0, 0)
    done = redeliver(app, tmp_path, "--since", "1h", "--apply")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("2 of 2 requested again\n")
    for number in opened:
        app.wait(lambda number=number: len(app.comments(number)) == 1)  # type: ignore[misc]
    app.box.hooks.settle()
    third = redeliver(app, tmp_path, "--apply")
    assert (third.returncode, third.stdout) == (0, "")
    assert "No delivery has failed since" in third.stderr
    assert count_attempts(app) == 2
    assert [len(app.comments(number)) for number in opened] == [1, 1, 1]


def test_at_a_rate_limit_it_stops_and_the_next_call_goes_on(app: App, tmp_path: Path) -> None:
    open_without_answer(app, 2)
    limit = replace(app.box.faults.table["forge-429"], on=ATTEMPTS)
    app.box.faults.armed.append(Armed(limit, 1, None))
    stopped = redeliver(app, tmp_path, "--apply", "--json")
    assert (stopped.returncode, json.loads(stopped.stdout)["requested"]) == (75, [])
    assert "Try again in a minute." in stopped.stderr
    done = json.loads(redeliver(app, tmp_path, "--apply", "--json").stdout)
    assert done["v"] == 1
    assert done["requested"] == [x.guid for x in app.host.deliveries[:2]]
    assert sorted((x["code"], x["number"]) for x in done["failed"]) == [(0, 1), (502, 1)]


def test_a_delivery_that_github_refuses_does_not_keep_back_the_others(
    app: App, tmp_path: Path
) -> None:
    open_without_answer(app, 2)
    refused = replace(app.box.faults.table["forge-422"], on=ATTEMPTS)
    app.box.faults.armed.append(Armed(refused, 1, None))
    result = redeliver(app, tmp_path, "--apply")
    assert (result.returncode, app.host.deliveries[0].guid in result.stderr) == (3, True)
    assert result.stdout.endswith("1 of 2 requested again\n")


@pytest.mark.parametrize("since", ["", "2", "h", "-1h", "0m", "4d", "1.5h", "99999999h", "２h"])
def test_a_time_that_cannot_be_used_is_explained(tmp_path: Path, since: str) -> None:
    result = tagline("github", "redeliver", "--since", since, cwd=tmp_path)
    assert result.returncode == 2
    assert "write 30m, 2h or 3d" in result.stderr


def test_without_an_app_it_says_so(tmp_path: Path) -> None:
    environment = {"GITHUB_TOKEN": "ghp_quokkaberry"}
    result = tagline("github", "redeliver", cwd=tmp_path, environment=environment)
    assert (result.returncode, github.NO_APP in result.stderr) == (2, True)
