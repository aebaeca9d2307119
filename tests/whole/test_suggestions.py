"""Suggestions that maintainers accept on GitHub; on GitLab the comment lists them."""

from __future__ import annotations

import json

import pytest

from bot.http import ClientPool
from bot.sandbox.state import MAINTAINER
from bot.sandbox.suggestions import LEVELS
from tests.whole.app import App, Build
from tests.whole.periodic import PeriodicTasks

CHOICES = {"bug": "sure", "area/login": "likely", "documentation": "unsure"}
REPLY = json.dumps(
    {
        "summary": "The login button does nothing.",
        "labels": [
            {"name": name, "certainty": certainty, "reason": f"@all: {name} <b>"}
            for name, certainty in CHOICES.items()
        ],
    }
)


def suggestions(app: App, number: int, state: str = "pending") -> dict[str, str | None]:
    """Return the confidence of each suggestion in this state."""
    listed = app.host.state.issue(app.repo, number).suggestions
    return {one.target: one.confidence for one in listed if one.state == state}


def number_of(app: App, number: int, target: str) -> int:
    listed = app.host.state.issue(app.repo, number).suggestions
    return next(one.id for one in listed if one.target == target)


def switch_on(app: App, level: str = "cautious") -> None:
    """Let the repository take suggestions, where its host has them."""
    app.host.state.repo(app.repo).automation = level


def answered(app: App, config: str = "mode: suggest") -> int:
    app.configure(config)
    app.box.replies.append(REPLY)
    return app.issue()


def test_in_suggest_mode_nothing_is_set_and_one_place_lists_the_labels(app: App) -> None:
    switch_on(app)
    number = answered(app)
    assert app.labels(number) == []
    (comment,) = app.comments(number)
    listed = "Suggested, not applied: `bug`, `area/login`, `documentation`" in comment.body
    held = suggestions(app, number)
    if app.on == "github":
        assert held == {"bug": "high", "area/login": "medium", "documentation": "low"}
        assert "Labels" not in comment.body
    else:
        assert (held, listed) == ({}, True)


def test_in_apply_mode_only_unsure_labels_are_suggested(app: App) -> None:
    switch_on(app)
    number = answered(app, "mode: apply")
    assert app.labels(number) == ["bug", "area/login"]
    (comment,) = app.comments(number)
    listed = "Suggested, not applied: `documentation`" in comment.body
    assert (suggestions(app, number), listed) == {
        "github": ({"documentation": "low"}, False),
        "gitlab": ({}, True),
    }[app.on]


def prepare(app: App, level: str | None) -> None:
    """Start a new repository with types."""
    app.refresh()
    app.host.state.repo(app.repo).automation = level
    app.host.state.repo(app.repo).types = {"Bug": "", "Task": ""}


@pytest.mark.parametrize("level", [*LEVELS, None])
def test_at_each_level_what_is_sent_to_be_held_is_held(build: Build, level: str | None) -> None:
    app = build()
    with app.open():
        prepare(app, level)
        number = answered(app)
        assert app.labels(number) == []
        assert app.host.state.issue(app.repo, number).issue_type == ""
        expected = {"Bug": "high", "area/login": "medium", "documentation": "low"}
        assert suggestions(app, number) == (expected if level else {})
        (comment,) = app.comments(number)
        assert ("Suggested, not applied" in comment.body) == (level is None)
        suggested = app.host.state.issue(app.repo, number).suggestions
        prepare(app, level)
        applying = answered(app, "mode: apply")
        assert app.host.state.issue(app.repo, applying).issue_type == "Bug"
        assert app.labels(applying) == ["area/login"], "the file is the consent for plain labels"
        assert suggestions(app, applying) == ({"documentation": "low"} if level else {})
        for one in suggested:
            assert one.rationale
            assert len(one.rationale) <= 280
            assert "<b>" not in one.rationale
            assert "@all" not in one.rationale
    replacing = [x for x in app.host.exchanges if x.method == "PUT"]
    patched = [x.request_json for x in app.host.exchanges if x.method == "PATCH" and x.request_json]
    assert replacing == []
    assert all("labels" not in body for body in patched)


def test_the_model_s_answer_replaces_suggestions_of_rules(
    build: Build, clients: ClientPool
) -> None:
    app = build()
    with app.open():
        switch_on(app)
        app.configure("mode: suggest")
        app.box.fault("model-500", times=None)
        number = app.issue()
        by_rules = suggestions(app, number)
        app.box.clear_faults()
        app.expire_pauses()
        app.box.replies.append(REPLY.replace('"bug"', '"enhancement"'))
        PeriodicTasks(app, clients).retry_fallbacks()
        assert app.labels(number) == []
        assert len(app.comments(number)) == 1
        if app.on == "github":
            assert "bug" in by_rules
            assert set(suggestions(app, number)) == {"enhancement", "area/login", "documentation"}
            assert "bug" in suggestions(app, number, "dismissed")


def test_a_maintainer_s_decision_stays(app: App) -> None:
    switch_on(app)
    number = answered(app, "mode: suggest\non: [opened, edited]")
    app.host.decide_by_person(app.repo, number, number_of(app, number, "bug"), accept=True)
    app.wait_for_end()
    app.host.decide_by_person(app.repo, number, number_of(app, number, "area/login"), accept=False)
    assert app.labels(number) == ["bug"]
    app.host.edit_issue(
        app.repo, number, body="It does nothing at all, and crashed.", deliver=False
    )
    app.configure("mode: suggest\non: [opened, edited]")
    app.box.replies.append(REPLY)
    app.deliver_again()
    assert app.labels(number) == ["bug"]
    assert set(suggestions(app, number)) == {"documentation"}
    (comment,) = app.comments(number)
    assert "area/login" not in comment.body.partition("<!--")[0]


def test_a_preview_that_was_switched_off_leaves_the_list_in_the_comment(app: App) -> None:
    switch_on(app)
    answered(app)
    app.host.state.repo(app.repo).automation = None  # the bot learns it with the next suggestion
    app.box.replies.append(REPLY)
    number = app.issue(body="Another one that does nothing.")
    assert app.labels(number) == []
    assert "Suggested, not applied: `bug`, `area/login`" in app.comments(number)[0].body


def test_a_suggestion_of_a_label_that_was_deleted_is_not_made(app: App) -> None:
    switch_on(app)
    app.configure("mode: suggest")
    app.box.replies.append(REPLY)
    with app.during_model_call(lambda: app.host.state.repo(app.repo).labels.pop("bug")):
        number = app.issue()
    assert set(suggestions(app, number)) == {"area/login", "documentation"}
    assert app.created_labels() == []
    assert "- **Labels:** Suggested, not applied: `bug`\n" in app.comments(number)[0].body


@pytest.mark.parametrize("status", [403, 410, 422])
def test_a_refused_suggestion_is_in_the_comment(app: App, status: int) -> None:
    switch_on(app)
    answered(app)  # it is known that suggestions work
    app.arm_fault(f"forge-{status}", "labels")
    app.box.replies.append(REPLY)
    number = app.issue(body="It does nothing, again.")
    assert (app.labels(number), suggestions(app, number)) == ([], {})
    (comment,) = app.comments(number)
    assert "Suggested, not applied: `bug`, `area/login`, `documentation`" in comment.body


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("status", [403, 404, 410, 422])
def test_where_suggestions_cannot_be_read_the_comment_lists_them(
    app: App, status: int, is_known: bool
) -> None:
    switch_on(app)
    if is_known:
        answered(app)
    app.configure("mode: suggest")
    app.arm_fault(f"forge-{status}", "suggestions", None)
    app.box.replies.append(REPLY)
    number = app.issue(body="It does nothing, again.")
    assert app.labels(number) == []
    (comment,) = app.comments(number)
    assert "Suggested, not applied: `bug`, `area/login`, `documentation`" in comment.body


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_refused_dismissal_leaves_the_suggestion(
    build: Build, clients: ClientPool, status: int
) -> None:
    app = build()
    with app.open():
        switch_on(app)
        app.configure("mode: suggest")
        app.box.fault("model-500", times=None)
        number = app.issue()
        app.box.clear_faults()
        app.expire_pauses()
        app.arm_fault(f"forge-{status}", "dismissals", None)
        app.box.replies.append(REPLY.replace('"bug"', '"enhancement"'))
        PeriodicTasks(app, clients).retry_fallbacks()
        assert {"bug", "enhancement"} <= set(suggestions(app, number))
        assert len(app.comments(number)) == 1


def test_what_a_person_sets_during_the_call_is_not_suggested(app: App) -> None:
    switch_on(app)
    app.configure("mode: suggest")
    app.box.replies.append(REPLY)

    def label() -> None:
        number = max(app.host.state.repo(app.repo).issues)
        app.host.state.relabel(app.repo, number, MAINTAINER, ["bug"])

    with app.during_model_call(label):
        number = app.issue()
    assert app.labels(number) == ["bug"]
    assert "bug" not in suggestions(app, number)
    assert "`bug`" not in app.comments(number)[0].body
