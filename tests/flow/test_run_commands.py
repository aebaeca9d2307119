"""People write commands in comments; what the bot does, and for whom it does nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from bot.core.command_port import UserComment
from bot.core.commands import MAX_PER_HOUR, CommandName, find_commands
from bot.core.errors import (
    NotFound,
    OperatorError,
    RateLimited,
    Retry,
    TaglineError,
)
from bot.core.types import Job, JobKind
from bot.flow.plan import Outcome
from bot.flow.run_commands import run_commands
from tests.fakes import NOW, REF, make_context, model_reply
from tests.flow.issue_case import ANSWER, DOWN, IssueCase, make_case

SECOND = model_reply("The page stays blank.", ("documentation", "sure", "the manual"))
MAINTAINER = "maintainer"
_numbers = count(1)


def write(case: IssueCase, body: str, author: str = MAINTAINER, at: float = NOW) -> Job:
    """Write a comment; return its job, as the receiver would make it."""
    comment_id = 5000 + next(_numbers)
    case.forge.commands.written[comment_id] = UserComment(comment_id, body, author)
    names: tuple[CommandName, ...] = find_commands(body, ["/tagline", "@robot"])
    return Job(f"c-{comment_id}", "command", REF, at, comment_id, names)


def run(case: IssueCase, job: Job, *, tries: int = 1, at: float | None = None) -> Outcome:
    """Run the job of a comment, some seconds after it was written."""
    at = job.received_at + 2 if at is None else at
    context = make_context(
        *(case.forge, case.model, case.store, at),
        mode=case.mode,
        sleep=case.slept.append,
        clock=lambda: at,
    )
    return run_commands(job, context, tries)


def command(case: IssueCase, body: str, author: str = MAINTAINER, at: float = NOW) -> Outcome:
    return run(case, write(case, body, author, at))


def answered(*more: str, config: str | None = None) -> IssueCase:
    """Return an issue that the bot has answered, with the model's further answers."""
    case = make_case(ANSWER, *more, config=config)
    assert case.job().record.status in ("answered", "quiet")
    return case


def test_redo_asks_the_model_again_and_edits_the_one_comment() -> None:
    case = answered(SECOND)
    outcome = command(case, "/tagline redo")
    assert (outcome.record.status, outcome.record.why) == ("executed", "redo: answered")
    (comment,) = case.comments
    assert "The page stays blank" in comment
    assert case.labels == ["bug", "area/login", "documentation"]
    assert len(case.forge.commands.reactions) == 1
    assert outcome.enrichment is not None
    assert outcome.enrichment.usage.cost_usd == 0.0002


def test_redo_ignores_age_and_works_on_an_issue_that_the_bot_never_saw() -> None:
    case = make_case(ANSWER, issue={"created_at": NOW - 90 * 86_400.0, "comments": 1})
    command(case, "/tagline redo")
    assert len(case.comments) == 1
    assert case.labels == ["bug", "area/login"]


def test_redo_uses_no_answer_to_another_issue_with_the_same_text() -> None:
    case = answered(SECOND)
    other = replace(REF, number=42)
    case.forge.current = replace(case.forge.current, ref=other, labels=())
    case.forge.own_comments.clear()
    job = write(case, "/tagline redo")
    assert case.model is not None
    run(case, replace(job, ref=other))
    assert len(case.model.prompts) == 2


STRANGERS: list[tuple[str, str]] = [
    ("/tagline redo", "stranger"),
    ("/tagline redo\n/tagline off\n/tagline undo\n/tagline why", "stranger"),
]


@pytest.mark.parametrize(("body", "author"), STRANGERS)
def test_a_stranger_s_command_leaves_no_trace(body: str, author: str) -> None:
    case = answered()
    before = case.record, case.comments, case.labels, case.forge.writes.copy()
    outcome = command(case, body, author)
    assert (outcome.record.status, outcome.record.why) == (
        "skipped",
        "its author may not change labels",
    )
    assert case.forge.commands.reactions == []
    assert (case.record, case.comments, case.labels, case.forge.writes) == before


def test_a_stranger_s_command_on_an_unknown_issue_stores_nothing() -> None:
    case = make_case()
    command(case, "/tagline redo", "stranger")
    assert case.store.record(REF.key) is None


def test_a_command_counts_only_as_its_comment_says_now_and_said_at_first() -> None:
    case = answered()
    job = write(case, "/tagline redo")
    for body in ("Never mind.", "> /tagline redo", "/tagline why"):
        comment = replace(case.forge.commands.written[job.comment], body=body)
        case.forge.commands.written[job.comment] = comment
        assert run(case, job).record.why == "no command for this bot"
    assert case.forge.commands.reactions == []


def test_another_bot_s_name_is_no_command_and_the_alias_is_one() -> None:
    case = answered(SECOND)
    assert command(case, "@robot redo").record.why == "no command for this bot"
    case.forge.config = "commands: {alias: robot}"
    assert command(case, "@robot redo").record.why == "redo: answered"


@pytest.mark.parametrize(
    ("config", "mode", "change", "why"),
    [
        ("mode: off", "apply", {}, "mode is off"),
        ("mode: dry-run", "apply", {}, "mode is dry-run"),
        (None, "off", {}, "mode is off"),
        (None, "apply", {"is_pull_request": True}, "a pull request"),
        (None, "apply", {"confidential": True}, "confidential"),
        (None, "apply", {"is_bot": True}, "opened by a bot"),
        (None, "apply", {"other_type": "task"}, "a work item of type 'task'"),
    ],
)
def test_where_the_bot_writes_nothing_a_command_is_ignored(
    config: str | None, mode: str, change: dict[str, bool], why: str
) -> None:
    case = answered()
    case.forge.config, case.mode = config, mode
    case.forge.current = replace(case.forge.current, **change)  # type: ignore[arg-type]
    assert command(case, "/tagline redo").record.why == why
    assert case.forge.commands.reactions == []


def test_a_delivery_that_comes_again_does_nothing() -> None:
    case = answered(SECOND)
    job = write(case, "/tagline redo")
    run(case, job)
    requests = case.forge.commands.requests
    again = run(case, replace(job, received_at=NOW + 80_000), at=NOW + 80_001)
    assert (again.record.status, again.record.why) == ("skipped", "carried out before")
    assert case.forge.commands.requests == requests


def test_of_many_at_once_the_model_answers_a_few_and_all_are_acknowledged() -> None:
    case = answered(SECOND)
    jobs = [write(case, "/tagline redo", at=NOW + n / 100) for n in range(MAX_PER_HOUR + 5)]
    for job in jobs:
        run(case, job, at=NOW + 10)
    assert len(case.forge.commands.reactions) == len(jobs)
    assert len(case.comments) == 1


def test_an_issue_takes_a_limited_number_of_commands_in_an_hour() -> None:
    case = answered(*[SECOND] * MAX_PER_HOUR)
    for n in range(MAX_PER_HOUR + 3):
        outcome = command(case, "/tagline redo", at=NOW + n * 60)
    assert outcome.record.why == "too many commands on this issue in an hour"
    assert len(case.forge.commands.reactions) == MAX_PER_HOUR
    case.model = None
    command(case, "/tagline redo", at=NOW + 2 * 3600)
    assert len(case.forge.commands.reactions) == MAX_PER_HOUR + 1


@pytest.mark.parametrize(
    "method", ["get_issue", "list_labels", "list_own_comments", "add_labels", "edit_comment"]
)
@pytest.mark.parametrize("done", [False, True])
def test_a_command_that_was_interrupted_is_carried_out_by_the_next_try(
    method: str, done: bool
) -> None:
    case = answered(SECOND, SECOND)
    job = write(case, "/tagline redo")
    case.forge.fail(method, Retry("GitHub failed (status 502)"), done=done)
    with pytest.raises(Retry):
        run(case, job)
    run(case, job, tries=2)
    (comment,) = case.comments
    assert "The page stays blank" in comment
    assert len(case.forge.commands.reactions) == 1


ERRORS = (Retry("no answer"), OperatorError("a refused token"), RateLimited("wait", 30.0))


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_before_the_first_write_is_the_queue_s(step: int, error: TaglineError) -> None:
    case = answered(SECOND)
    job = write(case, "/tagline redo")
    case.forge.commands.errors = [*[None] * step, error]
    with pytest.raises(type(error)):
        run(case, job)
    assert run(case, job, tries=2).record.why == "redo: answered"


def test_a_comment_that_is_gone_is_looked_for_twice_more() -> None:
    case = answered()
    job = write(case, "/tagline redo")
    case.forge.commands.written.clear()
    for tries in (1, 2):
        with pytest.raises(Retry):
            run(case, job, tries=tries)
    assert run(case, job, tries=3).record.status == "skipped"
    assert case.forge.commands.reactions == []


def test_an_issue_that_is_gone_ends_the_job() -> None:
    case = answered()
    job = write(case, "/tagline redo")
    case.forge.fail("get_issue", NotFound("deleted (status 410)"))
    assert run(case, job).record.why == "deleted (status 410)"


def test_a_redo_with_a_model_that_fails_waits_for_it_as_any_issue() -> None:
    case = make_case(DOWN, ANSWER)
    command(case, "/tagline redo")
    assert case.labels == ["bug", "needs-review"]
    assert case.record.wait is not None
    kind: JobKind = "heal"
    case.job(kind)
    assert len(case.comments) == 1


@pytest.mark.parametrize("change", [{"is_open": False}, {"locked": True}])
def test_redo_changes_nothing_on_a_closed_or_locked_issue(change: dict[str, bool]) -> None:
    case = answered()
    case.forge.current = replace(case.forge.current, **change)  # type: ignore[arg-type]
    before = case.comments, case.labels
    command(case, "/tagline redo")
    assert (case.comments, case.labels) == before


def test_a_comment_that_a_person_deleted_is_not_written_again() -> None:
    case = answered()
    case.forge.person_deletes_comment()
    command(case, "/tagline redo")
    assert case.comments == []
