"""Types of issues on both hosts: GitHub's own, and the scoped labels that are GitLab's."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bot.http import ClientPool
from tests.whole.app import App, Build
from tests.whole.periodic import PeriodicTasks
from tests.whole.test_corrections import stats

TYPES = {"Bug": "Something is broken", "Feature": "Something new", "Task": ""}
SCOPED = {"type::bug": "Something is broken", "type::feature": "", "type::task": ""}


def add_types(app: App) -> None:
    """Give the repository its types in the form of its host."""
    if app.on == "github":
        app.host.state.repo(app.repo).types = dict(TYPES)
    else:
        app.host.state.repo(app.repo).labels.update(SCOPED)


def name_of(app: App, word: str) -> str:
    """Return the name of a type on the host."""
    return word.capitalize() if app.on == "github" else f"type::{word}"


def reply(app: App, *words: str) -> str:
    labels = [{"name": "area/login", "certainty": "sure", "reason": "login"}]
    labels += [
        {"name": name_of(app, word), "certainty": "sure", "reason": "does nothing"}
        for word in words
    ]
    return json.dumps({"summary": "The login button does nothing.", "labels": labels})


def issue_type(app: App, number: int) -> str:
    """Return the word for the type of an issue, "" without one."""
    issue = app.host.state.issue(app.repo, number)
    if app.on == "github":
        return issue.issue_type.lower()
    return next((x.partition("::")[2] for x in issue.labels if x in SCOPED), "")


def other_labels(app: App, number: int) -> set[str]:
    return {name for name in app.labels(number) if name not in SCOPED}


def change_by_person(app: App, number: int, word: str) -> None:
    """Set another type as a maintainer."""
    if app.on == "github":
        app.host.set_type_by_person(app.repo, number, name_of(app, word))
    else:
        app.host.label_by_person(app.repo, number, name_of(app, word))


def test_an_issue_gets_one_type_and_no_label_that_means_one(app: App) -> None:
    add_types(app)
    app.box.replies.append(reply(app, "bug", "feature"))
    number = app.issue()
    assert (issue_type(app, number), other_labels(app, number)) == ("bug", {"area/login"})
    (comment,) = app.comments(number)
    assert f"`{name_of(app, 'bug')}`" in comment.body
    assert app.created_labels() == []


def test_a_label_of_the_same_meaning_stands_for_the_type(app: App) -> None:
    """On GitLab, where both are labels, the one that was chosen is set, without the other."""
    add_types(app)
    answer = json.loads(reply(app, "bug"))
    answer["labels"].insert(0, {"name": "bug", "certainty": "sure", "reason": "crashed"})
    app.box.replies.append(json.dumps(answer))
    number = app.issue()
    assert (issue_type(app, number), other_labels(app, number)) == {
        "github": ("bug", {"area/login"}),
        "gitlab": ("", {"bug", "area/login"}),
    }[app.on]
    assert "Suggested" not in app.comments(number)[0].body


def test_rules_set_a_type_which_the_model_s_answer_replaces(
    build: Build, clients: ClientPool
) -> None:
    app = build()
    with app.open():
        add_types(app)
        if app.on == "gitlab":
            del app.host.state.repo(app.repo).labels["bug"]  # rules would prefer it
        app.box.fault("model-500", times=None)
        number = app.issue()
        assert (issue_type(app, number), other_labels(app, number)) == ("bug", {"needs-review"})
        app.box.clear_faults()
        app.expire_pauses()
        app.box.replies.append(reply(app, "task"))
        PeriodicTasks(app, clients).retry_fallbacks()
        assert len(app.comments(number)) == 1
        assert (issue_type(app, number), other_labels(app, number)) == ("task", {"area/login"})


def test_a_type_that_a_person_set_at_the_start_stays(app: App) -> None:
    add_types(app)
    app.box.replies.append(reply(app, "bug"))
    given = {"issue_type": "Feature"} if app.on == "github" else {"labels": ["type::feature"]}
    number = app.issue(**given)
    assert (issue_type(app, number), other_labels(app, number)) == ("feature", {"area/login"})


def test_a_type_that_a_person_sets_while_the_model_answers_stays(app: App) -> None:
    add_types(app)
    app.box.replies.append(reply(app, "bug"))

    def set_type() -> None:
        number = max(app.host.state.repo(app.repo).issues)
        word, actor = name_of(app, "task"), "maintainer"
        if app.on == "github":
            app.host.state.set_type(app.repo, number, word, actor)
        else:
            app.host.state.relabel(app.repo, number, actor, [word])

    with app.during_model_call(set_type):
        number = app.issue()
    assert (issue_type(app, number), other_labels(app, number)) == ("task", {"area/login"})


def test_a_label_that_says_the_type_is_enough(app: App) -> None:
    add_types(app)
    app.box.replies.append(reply(app, "bug"))
    number = app.issue(labels=["bug"])
    assert (issue_type(app, number), other_labels(app, number)) == ("", {"bug", "area/login"})


def test_a_person_s_change_of_the_type_is_a_correction_and_stays(app: App, tmp_path: Path) -> None:
    add_types(app)
    app.box.replies.append(reply(app, "bug"))
    number = app.issue(created_at=time.time() - 60)
    change_by_person(app, number, "task")
    job = app.wait_for_end()
    assert job.why == {"github": "1 removed, 1 added", "gitlab": "1 kept, 1 added"}[app.on]
    app.deliver_again()
    assert issue_type(app, number) == "task"
    rows = {row["label"]: row for row in stats(app, tmp_path)["labels"]}
    bug, task = rows[name_of(app, "bug")], rows[name_of(app, "task")]
    assert (bug["applied"], task["applied"], task["added"]) == (1, 0, 1)


def test_in_suggest_mode_a_type_is_only_suggested(app: App) -> None:
    add_types(app)
    app.configure("mode: suggest")
    app.box.replies.append(reply(app, "bug"))
    number = app.issue()
    assert (issue_type(app, number), app.labels(number)) == ("", [])
    assert f"`{name_of(app, 'bug')}`" in app.comments(number)[0].body


def test_with_types_switched_off_labels_are_set(app: App) -> None:
    add_types(app)
    app.configure("types: {set: false}")
    number = app.issue()
    assert (issue_type(app, number), other_labels(app, number)) == ("", {"bug", "area/login"})


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_a_refused_type_leaves_the_rest(app: App, status: int) -> None:
    """On GitLab the labels are then sent one by one."""
    add_types(app)
    times = 3 if status == 404 and app.on == "github" else 1  # a replica may lag
    app.issue(author="someone else")  # the types are cached
    app.box.replies.extend([reply(app, "bug")] * 3)
    app.arm_fault(f"forge-{status}", "types", times)
    number = app.issue(body="It does nothing.")
    app.wait_for_end()
    assert other_labels(app, number) == {"area/login"}
    assert issue_type(app, number) == {"github": "", "gitlab": "bug"}[app.on]
    assert len(app.comments(number)) == 1


def test_a_type_that_was_renamed_or_disabled_meanwhile_is_not_set(app: App) -> None:
    add_types(app)
    repo = app.host.state.repo(app.repo)
    app.box.replies.append(reply(app, "bug"))
    with app.during_model_call(lambda: repo.disabled_types.add("Bug")):
        number = app.issue()
    assert (issue_type(app, number), other_labels(app, number)) == ("", {"area/login"})
    assert "- **Type:** Suggested, not applied: `Bug`" in app.comments(number)[0].body
    app.box.replies.append(reply(app, "task"))
    following = app.issue(body="Another one that does nothing.")
    assert issue_type(app, following) == "task"


def test_a_type_that_is_dropped_in_silence_is_suggested(build: Build) -> None:
    app = build()
    no_app = {"GITHUB_APP_ID": "", "GITHUB_PRIVATE_KEY": ""}
    app.environment |= {**no_app, "GITHUB_TOKEN": app.box.token}  # of no writer
    with app.open():
        add_types(app)
        number = app.issue()
        assert issue_type(app, number) == ""
        assert "- **Type:** Suggested, not applied: `Bug`" in app.comments(number)[0].body
        patched = [x for x in app.host.exchanges if x.method == "PATCH" and "/issues/" in x.path]
        assert [(one.status, one.request_json) for one in patched] == [(200, {"type": "Bug"})]


def test_a_repository_of_a_user_gets_labels(app: App) -> None:
    number = app.issue()
    assert app.labels(number) == ["bug", "area/login"]
    listed = [x for x in app.host.exchanges if x.path.endswith("/issue-types")]
    assert [one.status for one in listed] == [404]


@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_a_refused_request_for_types_leaves_labels(app: App, status: int) -> None:
    add_types(app)
    app.arm_fault(f"forge-{status}", "type_lists")
    number = app.issue()
    assert (issue_type(app, number), app.labels(number)) == ("", ["bug", "area/login"])
