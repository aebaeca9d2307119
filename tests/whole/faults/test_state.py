"""f065 to f077: the world changes between the webhook and the writing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from bot.http import ClientPool
from bot.sandbox.state import now
from tests.simulation.gitlab import GitLab
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults.conftest import answered, posted
from tests.whole.outage import Outage

Deed = Callable[[App, int], object]
owners = (f"owner{n}" for n in count(1))


def _transfer(app: App, number: int) -> None:
    app.host.add_repo(f"{app.repo}-new")
    app.host.transfer_issue(app.repo, number, f"{app.repo}-new", deliver=False)


def _archive(app: App, _number: int) -> None:
    app.strike("forge-403", "comments", None)
    app.strike("forge-403", "labels", None)


# Where nobody may write or ought to, the issue is left as it is; `closed` as DESIGN says.
LEFT_ALONE: dict[str, tuple[Deed, str]] = {
    "f068-archived": (_archive, "refused"),
    "f069-deleted": (
        lambda h, n: h.host.delete_issue(h.repo, n, deliver=False),
        "deleted not found",
    ),
    "f070-locked": (lambda h, n: h.host.lock_issue(h.repo, n, deliver=False), "locked"),
    "f072-transferred": (_transfer, "moved elsewhere closed"),
    "f073-closed": (lambda h, n: h.host.close_issue(h.repo, n, deliver=False), "closed"),
}


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
@pytest.mark.parametrize("change", LEFT_ALONE)
def test_an_issue_that_changes_is_left_alone(app: App, change: str, when: str) -> None:
    deed, why = LEFT_ALONE[change]
    _changed(app, lambda number: deed(app, number), when)
    job = app.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    assert job.why in why or why in job.why
    _untouched(app)


def _changed(app: App, deed: Callable[[int], object], when: str) -> None:
    """An issue whose delivery comes before or after the deed."""
    if when.startswith("before"):
        number = app.host.open_issue(app.repo, TITLE, BODY, deliver=False)
        deed(number)
        app.deliver_opening(number)
    else:
        with app.meanwhile(lambda: deed(1)):
            app.issue()
            app.over()


def _untouched(app: App) -> None:
    """Nothing was written; what was tried was refused."""
    assert app.comments(1) == []
    assert app.labels(1) == []
    assert app.created_labels() == []
    assert [w for w in app.host.writes(app.repo) if w.status < 400] == []
    assert [e for e in app.events() if e["level"] == "error"] == []


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f075_an_issue_that_turns_confidential_is_left_alone(app: App, when: str) -> None:
    host = app.host
    assert isinstance(host, GitLab)
    _changed(app, lambda n: host.make_confidential(app.repo, n, deliver=False), when)
    asked = len(app.box.model_requests)
    if when.startswith("before"):
        assert app.host.deliveries[-1].job is None, "the door has seen it already"
        assert asked == 0
    else:
        job = app.over()
        assert (job.outcome, job.why, asked) == ("skipped", "confidential", 1)
    _untouched(app)


def test_f075_a_confidential_issue_whose_delivery_did_not_say_so_reaches_no_model(
    vacant: App,
) -> None:
    app, host = vacant, vacant.host
    assert isinstance(host, GitLab)
    number = host.open_issue(app.repo, TITLE, BODY)
    host.make_confidential(app.repo, number, deliver=False)
    with app.working():
        job = app.over()
    assert (job.outcome, job.why) == ("skipped", "confidential")
    assert app.box.model_requests == []
    _untouched(app)


def test_f071_an_issue_that_became_a_discussion_is_left_alone(app: App) -> None:
    with app.meanwhile(lambda: app.strike("github-410", "", None)):
        app.issue()
        job = app.over()
    assert (job.outcome, job.why) == ("skipped", "deleted")
    _untouched(app)


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f065_an_installation_that_was_removed_is_an_end(vacant: App, when: str) -> None:
    app, owner = vacant, next(owners)
    app.box.install(owner)
    app.refresh(owner=owner)
    app.host.open_issue(app.repo, TITLE, BODY)
    if when.startswith("before"):
        app.box.uninstall(app.repo)
        with app.working():
            job = app.over()
    else:
        with app.meanwhile(lambda: app.box.uninstall(app.repo)), app.working():
            job = app.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    _untouched(app)


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f066_a_suspended_installation_is_left_alone_and_answered_later(
    vacant: App, when: str
) -> None:
    app, owner = vacant, next(owners)
    app.box.install(owner)
    app.refresh(owner=owner)
    app.host.open_issue(app.repo, TITLE, BODY)
    if when.startswith("before"):
        app.box.suspend(app.repo)
        with app.working():
            job = app.over()
    else:
        with app.meanwhile(lambda: app.box.suspend(app.repo)), app.working():
            job = app.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    _untouched(app)
    app.box.access.installations[-1].suspended_at = None
    with app.working():
        assert app.again().outcome == "answered"
    answered(app, 1)


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f067_a_renamed_repository_is_followed_by_its_number(vacant: App, when: str) -> None:
    app, before = vacant, vacant.repo
    renamed = f"{before}-renamed"
    number = app.host.open_issue(before, TITLE, BODY)
    if when.startswith("before"):
        app.host.rename_repo(before, renamed)
        with app.working():
            app.over()
    else:
        deed = lambda: app.host.rename_repo(before, renamed)  # noqa: E731
        with app.meanwhile(deed), app.working():
            app.over()
    app.repo = renamed
    answered(app, number)
    assert posted(app) == 1


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
def test_f067_a_repository_is_followed_where_another_one_has_its_old_name(
    vacant: App, private: bool
) -> None:
    app, before = vacant, vacant.repo
    number = app.host.open_issue(before, TITLE, BODY)
    labels = {name: "" for name in app.host.state.repo(before).labels}
    app.host.rename_repo(before, f"{before}-renamed")
    app.host.add_repo(before, labels, private=private)
    app.host.open_issue(before, "Another matter", "Quite another matter.", deliver=False)
    with app.working():
        app.over()
    assert app.comments(number) == []
    app.repo = f"{before}-renamed"
    answered(app, number)


def test_f067_a_repository_that_left_the_installation_is_left_alone(vacant: App) -> None:
    app = vacant
    app.host.open_issue(app.repo, TITLE, BODY)
    app.host.state.repo(app.repo).installed = False
    with app.working():
        job = app.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    _untouched(app)


def test_f074_an_issue_edited_in_mid_job_is_summarised_from_its_newest_text(app: App) -> None:
    newest = "The nightly export deadlocks. It crashed with an exception at login."

    def edit() -> None:
        app.host.edit_issue(app.repo, 1, body=newest, deliver=False)

    with app.meanwhile(edit):
        number = app.issue()
        job = app.over()
    assert (job.outcome, job.tries) == ("answered", 2)
    (comment,) = app.comments(number)
    assert "deadlocks" in comment.body
    assert posted(app) == 1
    assert app.created_labels() == []


def test_f076_a_comment_that_a_maintainer_deleted_is_posted_by_nobody_again(
    app: App, clients: ClientPool
) -> None:
    number = app.issue(created_at=now().timestamp() - 300)
    (comment,) = app.comments(number)
    app.host.delete_comment_by_person(app.repo, number, comment.id)
    assert app.again().why == "a person deleted our comment"
    assert Outage(app, clients).sweep() == {}
    app.configure("on: [opened, edited]")
    app.host.edit_issue(app.repo, number, body=f"{BODY} Again.")
    app.over()
    assert app.comments(number) == []
    assert posted(app) == 1


def test_f077_a_label_that_is_deleted_in_mid_job_is_not_made_again(app: App) -> None:
    labels = app.host.state.repo(app.repo).labels
    with app.meanwhile(lambda: labels.pop("bug")):
        number = app.issue()
        job = app.over()
    assert job.outcome == "answered"
    assert len(app.comments(number)) == 1
    assert app.labels(number) == ["area/login"]
    assert app.created_labels() == []
    assert "bug" not in labels
