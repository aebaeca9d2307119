"""The `Forge` port: what other programs and people leave on an issue beside the bot's comment."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.forge_case import BODY, TITLE, Case, Simulated


def test_comments_of_other_programs_are_neither_the_bot_s_nor_people_s(case: Case) -> None:
    case.forge.post_comment(case.ref, "Ours.")
    case.reply()
    case.comment_by_other_bot("Theirs.")
    assert [one.body for one in case.forge.list_own_comments(case.ref)] == ["Ours."]
    assert [one.body for one in case.forge.list_other_bots_comments(case.ref)] == ["Theirs."]


def test_a_person_with_the_name_of_a_program_is_a_person(created_in: Simulated) -> None:
    login = {"github": "other-bot", "gitlab": "project_9_bot_77"}[created_in.ref.forge]
    number = created_in.host.open_issue(created_in.ref.repo, TITLE, BODY, deliver=False)
    ref = replace(created_in.ref, number=number)
    created_in.host.state.comment(ref.repo, number, "Mine.", login, None)
    assert created_in.forge.list_other_bots_comments(ref) == ()


def test_a_comment_that_a_person_deleted_leaves_a_trace(case: Case) -> None:
    assert not case.forge.may_have_lost_comment(case.ref)
    case.label("docs")
    case.reply()
    assert not case.forge.may_have_lost_comment(case.ref)
    case.forge.add_labels(case.ref, ("bug",))  # as before each comment
    case.delete_comment(case.forge.post_comment(case.ref, "Ours.").id)
    assert case.forge.may_have_lost_comment(case.ref)
