"""What `why`, `undo`, `off` and `on` do to an issue, its comment and its record."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.core.errors import (
    Forbidden,
    LockContended,
    Retry,
)
from bot.core.prompt import VERSION
from bot.core.types import JobKind, Record
from bot.flow.render import read_marker
from tests.fakes import NOW, REF, ScriptedModel
from tests.flow.issue_case import ANSWER, DOWN, make_case
from tests.flow.test_run_commands import SECOND, answered, command, run, write

# Why.

EXPLAINED = """\
<details><summary>Decision record</summary>

- Decided by a language model
- Model: `gpt-6-luna`, 700 tokens in, 60 out, 0.0002 US dollars
- Prompt: version {prompt}
- `bug`: applied, sure, by the model
- `area/login`: applied, likely, by the model
- `regression`: suggested, unsure, by the model

</details>

<sub>Written by Tagline"""


def test_why_adds_the_decision_to_the_details_of_the_comment_once() -> None:
    case = answered()
    (before,) = case.comments
    for _ in range(2):
        assert command(case, "/tagline why").record.why == "why: explained"
    (after,) = case.comments
    assert EXPLAINED.format(prompt=VERSION) in after
    assert after.replace(EXPLAINED.format(prompt=VERSION), "<sub>Written by Tagline") == before
    assert read_marker(after) == read_marker(before)
    assert len(case.forge.commands.reactions) == 2


def test_why_after_redo_in_one_comment_explains_the_new_answer() -> None:
    case = answered(SECOND)
    outcome = command(case, "/tagline redo\n/tagline why")
    assert outcome.record.why == "redo: answered, why: explained"
    (comment,) = case.comments
    assert "`documentation`: applied, sure, by the model" in comment
    assert "The page stays blank" in comment


def test_why_names_the_rules_and_why_no_model_answered() -> None:
    case = make_case(DOWN, config="comment: {on_fallback: true}")
    case.job()
    command(case, "/tagline why")
    (comment,) = case.comments
    assert "- Decided by rules, because no model answered: timeout\n" in comment
    assert re.search(r"^- `bug`: applied, \w+, by rules$", comment, re.MULTILINE)
    assert "Model:" not in comment


def test_why_shows_the_score_of_a_learned_label() -> None:
    case = answered()
    choices = tuple(replace(one, source="classifier", score=0.973) for one in case.record.choices)
    case.store.save(REF.key, replace(case.record, choices=choices))
    command(case, "/tagline why")
    assert "- `bug`: applied, sure, by the classifier, score 0.97\n" in case.comments[0]


def test_why_without_a_record_says_what_the_marker_has() -> None:
    case = answered()
    case.store.save(REF.key, Record("skipped"))
    command(case, "/tagline why")
    assert f"- Decided by a language model\n- Prompt: version {VERSION}\n" in case.comments[0]


def test_why_writes_no_comment_where_there_is_none() -> None:
    for case in (make_case(), answered(config="comment: {post: never}")):
        assert command(case, "/tagline why").record.why == "why: there is no comment to explain"
        assert case.comments == []
        assert len(case.forge.commands.reactions) == 1


def test_why_on_a_locked_issue_ends_with_the_refusal() -> None:
    case = answered()
    case.forge.fail("edit_comment", Forbidden("locked"))
    assert command(case, "/tagline why").record.why == "why: locked"


# Undo.


def test_undo_takes_off_what_nobody_touched_and_deletes_the_comment() -> None:
    case = answered()
    case.forge.person_adds("documentation")
    case.forge.person_removes("bug")
    case.forge.person_adds("bug")
    outcome = command(case, "/tagline undo")
    assert outcome.record.why == "undo: 1 label removed, 1 comment deleted"
    assert case.labels == ["documentation", "bug"]
    assert case.comments == []
    kinds = [(one.kind, one.state) for one in case.store.journal.list_writes(REF.key)]
    assert kinds[-2:] == [("remove-label", "done"), ("delete-comment", "done")]


AFTER_UNDO: list[JobKind] = ["opened", "edited", "reopened", "manual", "heal"]


@pytest.mark.parametrize("kind", AFTER_UNDO)
@pytest.mark.parametrize("post", ["always", "never"])
def test_nothing_is_written_again_after_an_undo(kind: JobKind, post: str) -> None:
    case = answered(config=f"{{on: [opened, edited, reopened], comment: {{post: {post}}}}}")
    command(case, "/tagline undo")
    case.forge.person_edits("Another title")
    case.job(kind)
    case.job(kind)
    command(case, "/tagline redo")
    assert (case.labels, case.comments) == ([], [])


def test_undo_ends_the_wait_for_a_model() -> None:
    case = make_case(DOWN)
    case.job()
    assert case.labels == ["bug", "needs-review"]
    command(case, "/tagline undo")
    assert (case.labels, case.record.wait) == ([], None)
    assert case.store.retry_schedule.take_due(NOW + 86_400) is None


@pytest.mark.parametrize("method", ["remove_labels", "delete_comment"])
@pytest.mark.parametrize("done", [False, True])
def test_an_undo_that_was_interrupted_is_completed(method: str, done: bool) -> None:
    case = answered()
    job = write(case, "/tagline undo")
    case.forge.fail(method, Retry("GitHub failed (status 502)"), done=done)
    with pytest.raises(Retry):
        run(case, job)
    run(case, job, tries=2)
    assert (case.labels, case.comments) == ([], [])
    assert "pending" not in {one.state for one in case.store.journal.list_writes(REF.key)}
    case.job("manual")
    assert (case.labels, case.comments) == ([], [])


def test_undo_where_the_bot_wrote_nothing_does_nothing() -> None:
    case = make_case()
    case.forge.person_adds("bug")
    assert command(case, "/tagline undo").record.why == "undo: there is nothing to undo"
    assert case.labels == ["bug"]
    assert case.forge.writes == []


@pytest.mark.parametrize("body", ["/tagline undo", "/tagline why", "/tagline on"])
def test_a_command_on_an_issue_whose_delivery_was_lost_leaves_it_to_reconciliation(
    body: str,
) -> None:
    case = make_case(ANSWER)
    command(case, body)
    assert case.store.record(REF.key) is None
    case.job()
    assert len(case.comments) == 1


def test_a_redo_that_another_one_served_keeps_the_reason_of_the_record() -> None:
    case = make_case(DOWN)
    case.job()
    first, second = write(case, "/tagline redo"), write(case, "/tagline redo", at=NOW + 1)
    case.model = ScriptedModel(DOWN)
    run(case, first, at=NOW + 2)
    assert run(case, second, at=NOW + 3).record.why == "redo: carried out for another comment"
    assert case.record.why == "timeout"
    assert len(case.forge.commands.reactions) == 2


# Off and on.


@pytest.mark.parametrize("kind", AFTER_UNDO)
def test_off_silences_the_issue_until_on(kind: JobKind) -> None:
    case = make_case(ANSWER, config="on: [opened, edited, reopened]")
    assert command(case, "/tagline off").record.why == "off: silent"
    outcome = case.job(kind)
    assert (outcome.record.status, case.labels, case.comments) == ("skipped", [], [])
    assert "silenced" in outcome.record.why or kind == "heal"
    command(case, "/tagline redo")
    assert (case.labels, case.comments) == ([], [])
    assert command(case, "/tagline on", at=NOW + 10).record.why == "on: not silent"
    command(case, "/tagline redo", at=NOW + 20)
    assert len(case.comments) == 1


def test_on_and_redo_in_one_comment_are_carried_out_in_their_order() -> None:
    case = make_case(ANSWER)
    command(case, "/tagline off")
    assert command(case, "/tagline on\n/tagline redo", at=NOW + 9).record.why == (
        "on: not silent, redo: answered"
    )


def test_an_issue_that_waits_for_a_model_stays_silent() -> None:
    case = make_case(DOWN)
    case.job()
    command(case, "/tagline off")
    case.job("heal")
    assert case.comments == []
    assert case.record.wait is None


def test_off_keeps_what_is_known_about_the_issue() -> None:
    case = answered()
    before = case.record
    command(case, "/tagline off")
    after = case.record
    assert replace(after, commands=before.commands) == before
    case.job("manual")
    assert (case.record.labels, case.record.comment_id) == (before.labels, before.comment_id)


def test_jobs_in_another_order_than_their_comments_leave_the_last_one_in_force() -> None:
    case = answered()
    off, on = write(case, "/tagline off"), write(case, "/tagline on", at=NOW + 1)
    run(case, on)
    run(case, off, at=NOW + 9)
    assert not case.record.commands.silent


def test_two_workers_with_the_same_command_carry_it_out_once() -> None:
    case = answered()
    job = write(case, "/tagline undo")
    with case.store.lock(REF.key), pytest.raises(LockContended):
        run(case, job)
    run(case, job, tries=2)
    writes = case.forge.writes.copy()
    assert run(case, job, tries=2).record.why == "carried out before"
    assert case.forge.writes == writes
