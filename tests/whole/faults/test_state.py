"""f065 to f077: the issue or repository changes between the webhook and the writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

import pytest

from bot.core.jobs import JobRecord
from bot.http import ClientPool
from bot.sandbox.state import now
from tests.simulation.gitlab import GitLab
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults.conftest import assert_answered, count_posts
from tests.whole.periodic import PeriodicTasks

Change = Callable[[App, int], object]
owners = (f"owner{n}" for n in count(1))


def _transfer(app: App, number: int) -> None:
    app.host.add_repo(f"{app.repo}-new")
    app.host.transfer_issue(app.repo, number, f"{app.repo}-new", deliver=False)


def _archive(app: App, _number: int) -> None:
    app.arm_fault("forge-403", "comments", None)
    app.arm_fault("forge-403", "labels", None)


WHEN = pytest.mark.parametrize("when", ["before the job", "while the model answers"])
# Changes after which the bot writes nothing, and the pattern of the reason in the job's record.
SKIPPED: dict[str, tuple[Change, str]] = {
    "f068-archived": (_archive, "refused"),
    "f069-deleted": (
        lambda h, n: h.host.delete_issue(h.repo, n, deliver=False),
        "deleted|not found",
    ),
    "f070-locked": (lambda h, n: h.host.lock_issue(h.repo, n, deliver=False), "locked"),
    "f072-transferred": (_transfer, "moved elsewhere|closed"),
    "f073-closed": (lambda h, n: h.host.close_issue(h.repo, n, deliver=False), "closed"),
}


@WHEN
@pytest.mark.parametrize("case", SKIPPED)
def test_an_issue_that_changes_is_skipped(app: App, case: str, when: str) -> None:
    change, why = SKIPPED[case]
    _open_and_change(app, lambda number: change(app, number), when)
    job = app.wait_for_end()
    assert (job.state, job.outcome) == ("done", "skipped")
    assert re.search(why, job.why)
    if change is not _archive:
        assert app.host.writes(app.repo) == []
    _check_nothing_written(app)


def _open_and_change(app: App, change: Callable[[int], object], when: str) -> None:
    """Open an issue and change it before its delivery or during the model call."""
    if when.startswith("before"):
        number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
        change(number)
        app.deliver_opened(number)
    else:
        with app.during_model_call(lambda: change(1)):
            app.issue()
            app.wait_for_end()


def _run_with_change(app: App, change: Callable[[], object], when: str) -> JobRecord:
    """Deliver an issue; change it before the worker starts or during the model call."""
    app.host.open_issue(app.repo, TITLE, BODY)
    if when.startswith("before"):
        change()
        with app.running_worker():
            return app.wait_for_end()
    with app.during_model_call(change), app.running_worker():
        return app.wait_for_end()


def _check_nothing_written(app: App) -> None:
    """No write succeeded and no error was logged."""
    assert app.comments(1) == []
    assert app.labels(1) == []
    assert app.created_labels() == []
    assert [w for w in app.host.writes(app.repo) if w.status < 400] == []
    assert [e for e in app.events() if e["level"] == "error"] == []


@WHEN
def test_f075_an_issue_that_turns_confidential_is_skipped(app: App, when: str) -> None:
    host = app.host
    assert isinstance(host, GitLab)
    _open_and_change(app, lambda n: host.make_confidential(app.repo, n, deliver=False), when)
    requests = len(app.box.model_requests)
    if when.startswith("before"):
        delivery = app.host.deliveries[-1]
        assert (delivery.status, delivery.job) == (202, None), "the receiver ignores it"
        assert requests == 0
    else:
        job = app.wait_for_end()
        assert (job.outcome, job.why, requests) == ("skipped", "confidential", 1)
    _check_nothing_written(app)


def test_f075_a_confidential_issue_with_an_ordinary_delivery_reaches_no_model(
    idle_app: App,
) -> None:
    app, host = idle_app, idle_app.host
    assert isinstance(host, GitLab)
    number = host.open_issue(app.repo, TITLE, BODY)
    host.make_confidential(app.repo, number, deliver=False)
    with app.running_worker():
        job = app.wait_for_end()
    assert (job.outcome, job.why) == ("skipped", "confidential")
    assert app.box.model_requests == []
    _check_nothing_written(app)


def test_f071_an_issue_that_became_a_discussion_is_skipped(app: App) -> None:
    with app.during_model_call(lambda: app.arm_fault("forge-410", "issues", None)):
        app.issue()
        job = app.wait_for_end()
    assert (job.outcome, job.why) == ("skipped", "deleted")
    _check_nothing_written(app)


INACCESSIBLE: dict[str, Callable[[App], object]] = {
    "f065-installation-removed": lambda app: app.box.uninstall(app.repo),
    "f067-repository-left": lambda app: setattr(app.host.state.repo(app.repo), "installed", False),
}


@WHEN
@pytest.mark.parametrize("case", INACCESSIBLE)
def test_an_issue_that_the_installation_no_longer_covers_is_skipped(
    idle_app: App, case: str, when: str
) -> None:
    app, owner = idle_app, next(owners)
    app.box.install(owner)
    app.refresh(owner=owner)
    job = _run_with_change(app, lambda: INACCESSIBLE[case](app), when)
    assert (job.state, job.outcome) == ("done", "skipped")
    _check_nothing_written(app)


@WHEN
def test_f066_a_suspended_installation_is_skipped_and_answered_later(
    idle_app: App, when: str
) -> None:
    app, owner = idle_app, next(owners)
    app.box.install(owner)
    app.refresh(owner=owner)
    job = _run_with_change(app, lambda: app.box.suspend(app.repo), when)
    assert (job.state, job.outcome) == ("done", "skipped")
    _check_nothing_written(app)
    app.box.access.installations[-1].suspended_at = None
    with app.running_worker():
        assert app.deliver_again().outcome == "answered"
    assert_answered(app, 1)


@WHEN
def test_f067_a_renamed_repository_is_followed_by_its_number(idle_app: App, when: str) -> None:
    app, before = idle_app, idle_app.repo
    renamed = f"{before}-renamed"
    _run_with_change(app, lambda: app.host.rename_repo(before, renamed), when)
    app.repo = renamed
    assert_answered(app, 1)
    assert count_posts(app) == 1
    assert app.box.leaks == []


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
def test_f067_a_repository_is_followed_where_another_one_has_its_old_name(
    idle_app: App, private: bool
) -> None:
    app, before = idle_app, idle_app.repo
    number = app.host.open_issue(before, TITLE, BODY)
    labels = {name: "" for name in app.host.state.repo(before).labels}
    app.host.rename_repo(before, f"{before}-renamed")
    app.host.add_repo(before, labels, private=private)
    app.host.open_issue(before, "Another matter", "Quite another matter.", deliver=False)
    with app.running_worker():
        app.wait_for_end()
    assert app.comments(number) == []
    app.repo = f"{before}-renamed"
    assert_answered(app, number)


def test_f074_an_issue_edited_during_its_job_is_summarised_from_its_newest_text(app: App) -> None:
    newest = "The nightly export deadlocks. It crashed with an exception at login."

    def edit() -> None:
        app.host.edit_issue(app.repo, 1, body=newest, deliver=False)

    with app.during_model_call(edit):
        number = app.issue()
        job = app.wait_for_end()
    assert (job.outcome, job.tries) == ("answered", 2)
    (comment,) = app.comments(number)
    assert "deadlocks" in comment.body
    assert count_posts(app) == 1
    assert app.created_labels() == []


def test_f076_a_comment_that_a_maintainer_deleted_is_not_posted_again(
    app: App, clients: ClientPool
) -> None:
    number = app.issue(created_at=now().timestamp() - 300)
    (comment,) = app.comments(number)
    app.host.delete_comment_by_person(app.repo, number, comment.id)
    assert app.deliver_again().why == "a person deleted the comment"
    assert PeriodicTasks(app, clients).reconcile() == {}
    app.configure("on: [opened, edited]")
    app.host.edit_issue(app.repo, number, body=f"{BODY} Again.")
    app.wait_for_end()
    assert app.comments(number) == []
    assert count_posts(app) == 1


def test_f077_a_label_that_is_deleted_during_a_job_is_not_created_again(app: App) -> None:
    labels = app.host.state.repo(app.repo).labels
    with app.during_model_call(lambda: labels.pop("bug")):
        number = app.issue()
        job = app.wait_for_end()
    assert job.outcome == "answered"
    assert len(app.comments(number)) == 1
    assert app.labels(number) == ["area/login"]
    assert app.created_labels() == []
    assert "bug" not in labels
