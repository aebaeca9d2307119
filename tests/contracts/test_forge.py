"""The `Forge` port: an issue, its labels and its comments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import Forbidden, NotFound
from bot.core.labels.common_labels import NewLabel
from bot.core.types import Label, OwnComment
from bot.flow.load_history import filter_set_by_bot
from bot.sandbox.state import MAINTAINER
from tests.contracts.forge_case import BODY, LABELS, TITLE, Case, Fake, Simulated


def test_an_issue_is_read_as_it_is(case: Case) -> None:
    issue = case.forge.get_issue(case.ref)
    assert (issue.ref, issue.title, issue.body) == (case.ref, TITLE, BODY)
    flags = (issue.is_bot, issue.locked, issue.confidential, issue.is_pull_request)
    assert (issue.is_open, *flags) == (True, False, False, False, False)
    assert issue.labels == ()


def test_an_issue_that_does_not_exist_is_not_found(case: Case) -> None:
    if isinstance(case, Fake):
        case.fake.fail("get_issue", NotFound("gone (status 404)"))
    else:
        case.host.delete_issue(case.ref.repo, case.ref.number, deliver=False)
    with pytest.raises(NotFound):
        case.forge.get_issue(case.ref)


def test_the_labels_are_those_of_the_repository(case: Case) -> None:
    assert {label.name: label.description for label in case.forge.list_labels(case.ref)} == LABELS


def test_a_repository_without_a_configuration_file_has_none(case: Case) -> None:
    assert case.forge.get_config_text(case.ref) is None


def test_the_configuration_file_is_read_as_text(case: Case) -> None:
    case.write_config("version: 1\n")
    assert case.forge.get_config_text(case.ref) == "version: 1\n"


def test_labels_are_added_to_those_on_the_issue(case: Case) -> None:
    case.label("docs")
    assert case.forge.add_labels(case.ref, ("bug", "needs review")) == ("bug", "needs review")
    assert set(case.forge.get_issue(case.ref).labels) == {"docs", "bug", "needs review"}


def test_a_label_that_the_repository_has_lost_is_not_created(case: Case) -> None:
    case.forge.list_labels(case.ref)
    case.lose_label("bug")
    assert case.forge.add_labels(case.ref, ("bug", "docs")) == ("docs",)
    assert case.forge.get_issue(case.ref).labels == ("docs",)


@pytest.mark.parametrize("name", ["ui/ux", "naïve 🐛", "help: me"])
def test_a_label_is_created_as_it_is_given_once(created_in: Simulated, name: str) -> None:
    label = NewLabel(name, "How it looks", "f9d0c4")
    created_in.forge.list_labels(created_in.ref)
    assert created_in.forge.create_label(created_in.ref, label)
    assert Label(name, "How it looks") in created_in.forge.list_labels(created_in.ref)
    assert created_in.host.state.repo(created_in.ref.repo).colors == {name: "f9d0c4"}
    assert not created_in.forge.create_label(created_in.ref, label)


def test_a_label_that_another_one_created_meanwhile_is_left_alone(created_in: Simulated) -> None:
    created_in.forge.list_labels(created_in.ref)
    assert not created_in.forge.create_label(created_in.ref, NewLabel("bug", "New", "d73a4a"))
    labels = {x.name: x.description for x in created_in.forge.list_labels(created_in.ref)}
    assert labels == LABELS


def test_a_label_that_the_forge_refuses_is_an_error(created_in: Simulated) -> None:
    with pytest.raises(Forbidden):
        created_in.forge.create_label(created_in.ref, NewLabel("x" * 300, "", "d73a4a"))
    with pytest.raises(Forbidden):
        created_in.forge.create_label(created_in.ref, NewLabel("ok", "", "red"))


def test_only_the_named_labels_are_removed(case: Case) -> None:
    case.forge.add_labels(case.ref, ("bug", "docs"))
    case.forge.remove_labels(case.ref, ("bug", "needs review"))
    assert case.forge.get_issue(case.ref).labels == ("docs",)


def test_a_label_was_set_by_the_bot_until_a_person_sets_it(case: Case) -> None:
    case.forge.add_labels(case.ref, ("bug", "docs"))
    case.unlabel("docs")
    case.label("docs")
    case.label("needs review")
    names = ("bug", "docs", "needs review")
    assert filter_set_by_bot(case.ref, names, case.forge) == ("bug",)


def test_label_changes_are_listed_with_who_made_them(case: Case) -> None:
    case.forge.add_labels(case.ref, ("bug",))
    case.unlabel("bug")
    case.label("docs")
    changes = case.forge.list_label_changes(case.ref)
    assert [(one.name, one.added, one.own, one.by_bot) for one in changes] == [
        ("bug", True, True, True),
        ("bug", False, False, False),
        ("docs", True, False, False),
    ]
    assert [one.at for one in changes] == sorted(one.at for one in changes)
    assert changes[0].at >= case.forge.get_issue(case.ref).created_at


def test_a_comment_is_listed_and_edited_in_place(case: Case) -> None:
    assert case.forge.list_own_comments(case.ref) == ()
    comment = case.forge.post_comment(case.ref, "First.")
    assert case.forge.list_own_comments(case.ref) == (OwnComment(comment.id, "First."),)
    assert case.forge.edit_comment(case.ref, comment.id, "Second.")
    assert case.forge.list_own_comments(case.ref) == (OwnComment(comment.id, "Second."),)


def test_a_comment_that_a_person_deleted_cannot_be_edited(case: Case) -> None:
    comment = case.forge.post_comment(case.ref, "First.")
    case.delete_comment(comment.id)
    assert not case.forge.edit_comment(case.ref, comment.id, "Second.")
    assert case.forge.list_own_comments(case.ref) == ()


def test_a_comment_is_deleted_once(case: Case) -> None:
    first, second = (case.forge.post_comment(case.ref, text) for text in ("First.", "Second."))
    case.forge.delete_comment(case.ref, first.id)
    case.forge.delete_comment(case.ref, first.id)
    assert case.forge.list_own_comments(case.ref) == (OwnComment(second.id, "Second."),)


def test_only_a_reply_of_a_member_counts_as_one(case: Case) -> None:
    case.forge.post_comment(case.ref, "From the bot.")
    assert not case.forge.has_member_reply(case.ref)
    case.reply()
    assert case.forge.has_member_reply(case.ref)


def test_an_author_may_write_to_the_repository_only_as_a_member(case: Case) -> None:
    issue = case.forge.get_issue(case.ref)
    assert not case.forge.author_can_write(issue)
    if isinstance(case, Fake):
        case.fake.writers.add(issue.author)
    else:
        repo = case.ref.repo
        number = case.host.open_issue(repo, TITLE, BODY, author=MAINTAINER, deliver=False)
        issue = case.forge.get_issue(replace(case.ref, number=number))
    assert case.forge.author_can_write(issue)
