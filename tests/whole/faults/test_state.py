"""f065 to f077: the world changes between the webhook and the writing."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from bot.http import ClientPool
from bot.sandbox.gitlab.host import GitLabHost
from bot.sandbox.state import now
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults.conftest import answered, posted
from tests.whole.outage import Outage

Deed = Callable[[App, int], object]
owners = (f"owner{n}" for n in count(1))


def _transfer(house: App, number: int) -> None:
    house.host.add_repo(f"{house.repo}-new")
    house.host.transfer_issue(house.repo, number, f"{house.repo}-new", deliver=False)


def _archive(house: App, _number: int) -> None:
    house.strike("forge-403", "comments", None)
    house.strike("forge-403", "labels", None)


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
def test_an_issue_that_changes_is_left_alone(house: App, change: str, when: str) -> None:
    deed, why = LEFT_ALONE[change]
    _changed(house, lambda number: deed(house, number), when)
    job = house.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    assert job.why in why or why in job.why
    _untouched(house)


def _changed(house: App, deed: Callable[[int], object], when: str) -> None:
    """An issue whose delivery comes before or after the deed."""
    if when.startswith("before"):
        number = house.host.open_issue(house.repo, TITLE, BODY, deliver=False)
        deed(number)
        house.deliver_opening(number)
    else:
        with house.meanwhile(lambda: deed(1)):
            house.issue()
            house.over()


def _untouched(house: App) -> None:
    """Nothing was written; what was tried was refused."""
    assert house.comments(1) == []
    assert house.labels(1) == []
    assert house.created_labels() == []
    assert [w for w in house.host.writes(house.repo) if w.status < 400] == []
    assert [e for e in house.events() if e["level"] == "error"] == []


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f075_an_issue_that_turns_confidential_is_left_alone(house: App, when: str) -> None:
    host = house.host
    assert isinstance(host, GitLabHost)
    _changed(house, lambda n: host.make_confidential(house.repo, n, deliver=False), when)
    asked = len(house.box.model_requests)
    if when.startswith("before"):
        assert house.host.deliveries[-1].job is None, "the door has seen it already"
        assert asked == 0
    else:
        job = house.over()
        assert (job.outcome, job.why, asked) == ("skipped", "confidential", 1)
    _untouched(house)


def test_f075_a_confidential_issue_whose_delivery_did_not_say_so_reaches_no_model(
    vacant: App,
) -> None:
    house, host = vacant, vacant.host
    assert isinstance(host, GitLabHost)
    number = host.open_issue(house.repo, TITLE, BODY)
    host.make_confidential(house.repo, number, deliver=False)
    with house.working():
        job = house.over()
    assert (job.outcome, job.why) == ("skipped", "confidential")
    assert house.box.model_requests == []
    _untouched(house)


def test_f071_an_issue_that_became_a_discussion_is_left_alone(house: App) -> None:
    with house.meanwhile(lambda: house.strike("github-410", "", None)):
        house.issue()
        job = house.over()
    assert (job.outcome, job.why) == ("skipped", "deleted")
    _untouched(house)


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f065_an_installation_that_was_removed_is_an_end(vacant: App, when: str) -> None:
    house, owner = vacant, next(owners)
    house.box.install(owner)
    house.refresh(owner=owner)
    house.host.open_issue(house.repo, TITLE, BODY)
    if when.startswith("before"):
        house.box.uninstall(house.repo)
        with house.working():
            job = house.over()
    else:
        with house.meanwhile(lambda: house.box.uninstall(house.repo)), house.working():
            job = house.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    _untouched(house)


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f066_a_suspended_installation_is_left_alone_and_answered_later(
    vacant: App, when: str
) -> None:
    house, owner = vacant, next(owners)
    house.box.install(owner)
    house.refresh(owner=owner)
    house.host.open_issue(house.repo, TITLE, BODY)
    if when.startswith("before"):
        house.box.suspend(house.repo)
        with house.working():
            job = house.over()
    else:
        with house.meanwhile(lambda: house.box.suspend(house.repo)), house.working():
            job = house.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    _untouched(house)
    house.box.access.installations[-1].suspended_at = None
    with house.working():
        assert house.again().outcome == "answered"
    answered(house, 1)


@pytest.mark.parametrize("when", ["before the job", "while the model thinks"])
def test_f067_a_renamed_repository_is_followed_by_its_number(vacant: App, when: str) -> None:
    house, before = vacant, vacant.repo
    renamed = f"{before}-renamed"
    number = house.host.open_issue(before, TITLE, BODY)
    if when.startswith("before"):
        house.host.rename_repo(before, renamed)
        with house.working():
            house.over()
    else:
        deed = lambda: house.host.rename_repo(before, renamed)  # noqa: E731
        with house.meanwhile(deed), house.working():
            house.over()
    house.repo = renamed
    answered(house, number)
    assert posted(house) == 1


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
def test_f067_a_repository_is_followed_where_another_one_has_its_old_name(
    vacant: App, private: bool
) -> None:
    house, before = vacant, vacant.repo
    number = house.host.open_issue(before, TITLE, BODY)
    labels = {name: "" for name in house.host.state.repo(before).labels}
    house.host.rename_repo(before, f"{before}-renamed")
    house.host.add_repo(before, labels, private=private)
    house.host.open_issue(before, "Another matter", "Quite another matter.", deliver=False)
    with house.working():
        house.over()
    assert house.comments(number) == []
    house.repo = f"{before}-renamed"
    answered(house, number)


def test_f067_a_repository_that_left_the_installation_is_left_alone(vacant: App) -> None:
    house = vacant
    house.host.open_issue(house.repo, TITLE, BODY)
    house.host.state.repo(house.repo).installed = False
    with house.working():
        job = house.over()
    assert (job.state, job.outcome) == ("done", "skipped")
    _untouched(house)


def test_f074_an_issue_edited_in_mid_job_is_summarised_from_its_newest_text(house: App) -> None:
    newest = "The nightly export deadlocks. It crashed with an exception at login."

    def edit() -> None:
        house.host.edit_issue(house.repo, 1, body=newest, deliver=False)

    with house.meanwhile(edit):
        number = house.issue()
        job = house.over()
    assert (job.outcome, job.tries) == ("answered", 2)
    (comment,) = house.comments(number)
    assert "deadlocks" in comment.body
    assert posted(house) == 1
    assert house.created_labels() == []


def test_f076_a_comment_that_a_maintainer_deleted_is_posted_by_nobody_again(
    house: App, clients: ClientPool
) -> None:
    number = house.issue(created_at=now().timestamp() - 300)
    (comment,) = house.comments(number)
    house.host.delete_comment_by_person(house.repo, number, comment.id)
    assert house.again().why == "a person deleted our comment"
    assert Outage(house, clients).sweep() == {}
    house.configure("on: [opened, edited]")
    house.host.edit_issue(house.repo, number, body=f"{BODY} Again.")
    house.over()
    assert house.comments(number) == []
    assert posted(house) == 1


def test_f077_a_label_that_is_deleted_in_mid_job_is_not_made_again(house: App) -> None:
    labels = house.host.state.repo(house.repo).labels
    with house.meanwhile(lambda: labels.pop("bug")):
        number = house.issue()
        job = house.over()
    assert job.outcome == "answered"
    assert len(house.comments(number)) == 1
    assert house.labels(number) == ["area/login"]
    assert house.created_labels() == []
    assert "bug" not in labels
