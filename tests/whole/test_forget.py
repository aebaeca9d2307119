"""What Redis holds of a repository is removed when access to it ends, or by `tagline forget`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core import redis_keys
from bot.core.types import IssueRef
from bot.flow.forget import GRACE_SECONDS
from bot.http import ClientPool
from tests.simulation import Sandbox
from tests.store.test_repository_data import dump
from tests.whole.app import App, Build
from tests.whole.periodic import PeriodicTasks
from tests.whole.test_command_line import CommandResult, tagline

SILENT = "redis://127.0.0.1:1/0"


def ref_of(app: App) -> IssueRef:
    """Return the reference of the repository, as its delivery gave it."""
    found = [one for one in app.store.reconcile_state.repositories() if one.repo == app.repo]
    return found[0]


def left(app: App, ref: IssueRef) -> list[str]:
    """Return the keys, other than claims and locks, that hold something of the repository."""
    names = ref.repo_key, ref.repo
    found = {key.decode(): repr(value) for key, value in dump(app.redis).items()}
    keys = [key for key, value in found.items() if any(x in f"{key} {value}" for x in names)]
    return sorted(key for key in keys if not key.startswith(("tagline:claims:", "tagline:lock:")))


@contextmanager
def without_access(app: App) -> Iterator[None]:
    repo = app.host.state.repo(app.repo)
    repo.installed = False
    if app.on == "gitlab":
        app.box.fault("forge-404", times=None)
    yield
    repo.installed = True
    app.box.clear_faults()


def deliver_again(app: App, delivery: str) -> None:
    """Send a delivery again, after its claim has expired."""
    for claims in app.redis.keys("tagline:claims:*"):
        app.redis.delete(claims)
    app.host.redeliver(delivery)
    assert app.wait_for_end().state == "done"


def test_a_repository_out_of_reach_is_forgotten_and_answered_once_when_it_is_back(
    build: Build, clients: ClientPool
) -> None:
    with build().open() as app:
        number, first = app.issue(), app.opened.guid
        tasks, ref, other = PeriodicTasks(app, clients), ref_of(app), app.repo
        app.refresh(app.on)
        app.issue()
        stays, app.repo = ref_of(app), other
        app.store.reconcile_state.save_repositories([ref])
        with without_access(app):
            tasks.reconcile()
            assert tasks.departures.run_once() == {}
            assert left(app, ref)
            app.redis.delete("tagline:lease:departures")
            later = replace(tasks.departures, clock=lambda: time.time() + GRACE_SECONDS)
            expected = 2 if app.on == "gitlab" else 1  # there the other one is out of reach too
            assert later.run_once()["repositories"] == expected
        assert left(app, ref) == []
        assert bool(left(app, stays)) == (app.on == "github")
        deliver_again(app, first)
        assert len(app.comments(number)) == 1
        assert left(app, ref)


@pytest.fixture
def github(box: Sandbox, clean: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setattr("bot.flow.receive.FORGET_WAIT_SECONDS", 0.2)
    with App(box, clean).open() as app:
        yield app


@pytest.mark.parametrize(
    ("event", "action"), [("installation", "deleted"), ("installation_repositories", "removed")]
)
def test_an_installation_that_is_removed_is_forgotten_after_its_webhook(
    github: App, event: str, action: str
) -> None:
    app, number = github, github.issue()
    ref = ref_of(app)
    payload = {"action": action, "installation": {"id": int(ref.account)}}
    with without_access(app):
        job = app.host.deliver(event, payload).headers["x-tagline-job"]
        record = app.wait_for_end(job)
        assert (record.outcome, record.why) == ("forgotten", "1 of 1 repositories")
    assert left(app, ref) == []
    assert app.store.repository_data.has_forgotten()
    deliver_again(app, app.opened.guid)
    assert len(app.comments(number)) == 1


def test_an_old_delivery_about_an_installation_that_is_back_removes_nothing(github: App) -> None:
    github.issue()
    ref = ref_of(github)
    before = left(github, ref)
    payload = {"action": "deleted", "installation": {"id": int(ref.account)}}
    job = github.host.deliver("installation", payload).headers["x-tagline-job"]
    assert github.wait_for_end(job).why == "0 of 1 repositories"
    assert left(github, ref) == before


def test_a_delivery_with_a_wrong_account_leads_to_no_forgetting(github: App) -> None:
    github.issue()
    ref = ref_of(github)
    wrong = replace(ref, account="999999")
    github.store.reconcile_state.save_repositories([wrong])
    payload = {"action": "deleted", "installation": {"id": int(wrong.account)}}
    job = github.host.deliver("installation", payload).headers["x-tagline-job"]
    assert github.wait_for_end(job).why == "0 of 1 repositories"
    assert left(github, ref)
    assert github.store.reconcile_state.repositories() == (ref,)


def forget(app: App, folder: Path, *words: str) -> CommandResult:
    return tagline("forget", *words, cwd=folder, environment=app.environ)


def test_forget_shows_what_it_would_remove_and_then_removes_it(
    build: Build, tmp_path: Path
) -> None:
    with build().open() as app:
        app.issue()
        ref = ref_of(app)
        shown = forget(app, tmp_path, f"{app.on}:{app.repo}")
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.startswith(f"Redis holds of {app.on}:{app.repo}:\n")
        assert "       1  records of issues\n" in shown.stdout
        assert shown.stdout.endswith("Nothing was removed: add --apply to do it.\n")
        assert left(app, ref)
        done = forget(app, tmp_path, f"{app.on}:{app.repo.upper()}", "--apply", "--json")
        report = json.loads(done.stdout)
        assert (report["v"], report["applied"], report["found"]["records of issues"]) == (
            1,
            True,
            1,
        )
        assert left(app, ref) == []
        nothing = forget(app, tmp_path, f"{app.on}:{app.repo}", "--apply")
        assert (nothing.returncode, nothing.stdout) == (1, "")
        assert f"Redis holds nothing of {app.on}:{app.repo}." in nothing.stderr


@pytest.mark.parametrize("form", ["account", "installation", "number"])
def test_forget_takes_an_account_an_installation_and_a_number(
    github: App, tmp_path: Path, form: str
) -> None:
    github.issue()
    ref = ref_of(github)
    account = github.repo.partition("/")[0]
    words = {"account": account, "installation": ref.account, "number": str(ref.repo_id)}
    if form == "number":  # also of one that is not searched any more
        github.store.reconcile_state.forget_repository(ref)
    result = forget(github, tmp_path, f"github:{words[form]}", "--apply")
    assert result.returncode == 0, result.stderr
    rest = ["tagline:jobs"] if form == "number" else []  # by the name, which is not known then
    assert [key.rpartition(":")[0] for key in left(github, ref)] == rest


@pytest.mark.parametrize("text", ["github:acme/none", "github:4711", "gitlab:nobody", "github:a"])
def test_an_unknown_repository_and_an_empty_redis_are_explained(
    clean: str, tmp_path: Path, text: str
) -> None:
    result = tagline("forget", text, cwd=tmp_path, environment={"REDIS_URL": clean})
    assert (result.returncode, result.stdout) == (1, "")
    assert f"Redis holds nothing of {text}." in result.stderr


def test_other_forms_and_a_silent_redis_are_explained(tmp_path: Path) -> None:
    environment = {"REDIS_URL": SILENT}
    for text in ("acme/widget", "svn:acme", "https://github.com/acme", "github:acme/widget#1"):
        result = tagline("forget", text, cwd=tmp_path, environment=environment)
        assert result.returncode in (2, 75)
    down = tagline("forget", "github:acme/widget", cwd=tmp_path, environment=environment)
    assert (down.returncode, "Redis does not answer" in down.stderr) == (75, True)


def test_a_process_does_not_restore_what_was_forgotten(build: Build, clients: ClientPool) -> None:
    with build().open() as app:
        app.issue()
        ref, tasks = ref_of(app), PeriodicTasks(app, clients)
        tasks.reconcile()  # this process knows the repository now
        app.store.repository_data.forget([ref])
        tasks.reconcile()
        assert app.store.reconcile_state.repositories() == ()
        app.redis.delete(redis_keys.FORGOTTEN)  # Redis has lost all
        tasks.reconcile()
        assert app.store.reconcile_state.repositories() == ()  # this process has forgotten, too
