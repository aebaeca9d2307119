"""What people say of the older issues in the bot's comment, and what follows from it."""

from __future__ import annotations

import pytest

from bot.core.errors import Forbidden, LockContended, NotFound, RateLimited, Retry
from bot.core.related import Duplicate, RelatedVerdict
from bot.flow.load_config import digest_config
from bot.flow.plan import Outcome
from bot.flow.record_duplicate import record_duplicate
from tests.fakes import NOW, REF, make_context, make_job
from tests.flow.issue_case import ANSWER, IssueCase
from tests.flow.test_related import case_with, examples, lines, older
from tests.flow.test_run_commands import command

BY = "maintainer"


def named() -> IssueCase:
    """Return an issue whose comment names issue 5."""
    case = case_with(older(5))
    case.job()
    assert case.record.related == (5,)
    return case


def closed(case: IssueCase, found: Duplicate | None, at: float = NOW) -> Outcome:
    """Run the job after a person closed the issue."""
    case.forge.related.duplicates = [found]
    context = make_context(case.forge, case.model, case.store, at, clock=lambda: at)
    return record_duplicate(make_job("closed", "c-1"), context)


def verdicts(case: IssueCase) -> list[tuple[int, str]]:
    found = case.store.related_verdicts.list(REF.repo_key)
    return [(one.number, one.verdict) for one in found]


def add_corrected(case: IssueCase, count: int = 20) -> None:
    digest = digest_config(case.forge.config)
    some = [RelatedVerdict(900 + n, "corrected", NOW - 99 + n, digest) for n in range(count)]
    case.store.related_verdicts.add(REF.repo_key, some)


def test_closing_as_a_duplicate_of_a_named_issue_confirms_it() -> None:
    case = named()
    outcome = closed(case, Duplicate(5, BY))
    assert (outcome.record.status, outcome.record.why) == ("recorded", "older issue confirmed")
    assert verdicts(case) == [(41, "confirmed")]
    assert case.record.status == "answered", "the record of the issue stays"


def test_closing_as_a_duplicate_of_another_issue_corrects_it() -> None:
    case = named()
    assert closed(case, Duplicate(3, BY)).record.why == "older issue corrected"
    assert verdicts(case) == [(41, "corrected")]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "not closed as a duplicate"),
        (Duplicate(0, BY), "the original is not known, or in another repository"),
        (Duplicate(5, "a stranger"), "closed by somebody who may not change labels"),
        (Duplicate(5, ""), "closed by somebody who may not change labels"),
    ],
)
def test_anything_else_is_no_verdict(found: Duplicate | None, why: str) -> None:
    case = named()
    outcome = closed(case, found)
    assert (outcome.record.status, outcome.record.why) == ("unchanged", why)
    assert verdicts(case) == []


def test_an_issue_whose_comment_names_none_costs_no_request() -> None:
    case = case_with()
    for _ in range(2):
        for method in ("get_issue", "get_config_text"):
            case.forge.fail(method, Retry("a request"))
        assert closed(case, None).record.why == "the comment names no older issue"
        assert case.forge.related.duplicates == [None]
        case.forge.errors.clear()
        case.job()


def test_the_event_twice_late_or_after_reopening_is_one_verdict() -> None:
    case = named()
    closed(case, Duplicate(5, BY))
    for days in (0, 3):
        outcome = closed(case, Duplicate(5, BY), NOW + days * 86_400)
        assert outcome.record.why == "confirmed before"
    assert closed(case, None).record.status == "unchanged"  # reopened
    assert verdicts(case) == [(41, "confirmed")]
    closed(case, Duplicate(3, BY), NOW + 9)
    assert verdicts(case) == [(41, "confirmed"), (41, "corrected")]


@pytest.mark.parametrize("error", [NotFound("gone (status 404)"), Forbidden("no (status 403)")])
def test_an_issue_that_is_gone_ends_with_the_reason(error: NotFound | Forbidden) -> None:
    case = named()
    case.forge.related.duplicates = [error]
    context = make_context(case.forge, case.model, case.store)
    outcome = record_duplicate(make_job("closed"), context)
    assert (outcome.record.status, outcome.record.why) == ("unchanged", str(error))
    assert verdicts(case) == []


def test_a_rate_limit_pauses_the_account_and_the_job_is_tried_again() -> None:
    case = named()
    case.forge.related.duplicates = [RateLimited("wait", 60.0)]
    context = make_context(case.forge, case.model, case.store)
    with pytest.raises(RateLimited):
        record_duplicate(make_job("closed"), context)
    with case.store.lock(REF.key), pytest.raises(LockContended):
        closed(case, Duplicate(5, BY))
    assert closed(case, Duplicate(5, BY)).record.status == "recorded"


def test_after_a_loss_of_redis_nothing_is_said() -> None:
    case = named()
    case.store = type(case.store)()
    assert closed(case, Duplicate(5, BY)).record.why == "the comment names no older issue"


@pytest.mark.parametrize("config", ["learn: {from_corrections: false}", "mode: off"])
def test_a_repository_that_learns_nothing_has_no_verdicts(config: str) -> None:
    case = named()
    case.forge.config = config
    why = "learn.from_corrections is false, or mode is off"
    assert closed(case, Duplicate(5, BY)).record.why == why
    command(case, "/tagline undo")
    assert verdicts(case) == []


def test_undo_corrects_it_once() -> None:
    case = named()
    command(case, "/tagline undo")
    command(case, "/tagline undo")
    assert verdicts(case) == [(41, "corrected")]
    assert case.comments == []


def test_an_undo_that_was_interrupted_has_its_verdict() -> None:
    case = named()
    case.forge.fail("delete_comment", Retry("slow"), done=True)
    with pytest.raises(Retry):
        command(case, "/tagline undo")
    assert verdicts(case) == [(41, "corrected")]


def test_an_undo_of_a_comment_without_older_issues_says_nothing_of_them() -> None:
    case = case_with()
    case.job()
    command(case, "/tagline undo")
    assert verdicts(case) == []


def test_a_quiet_repository_names_none_and_the_model_keeps_its_examples() -> None:
    case = case_with(older(5, labels=("bug",)))
    add_corrected(case)
    case.job()
    assert (lines(case), case.record.related) == ([], ())
    assert [one["labels"] for one in examples(case)] == [["bug"]]


def test_it_names_them_again_after_a_change_of_the_configuration_for_good() -> None:
    case = case_with(older(5), config="on: [opened, edited]")
    add_corrected(case)
    case.job()
    assert lines(case) == []
    former, case.forge.config = case.forge.config, "on: [opened, edited]\nlanguage: en"
    edit(case, 1)
    assert len(lines(case)) == 1
    case.forge.config = former
    edit(case, 2)
    assert len(lines(case)) == 1


def edit(case: IssueCase, time: int) -> None:
    issue = case.forge.current
    case.forge.person_edits(issue.title, f"{issue.body} It is 4.2.{time}.")
    assert case.model
    case.model.answers.append(ANSWER)
    case.job("edited", tries=1 + time)


def test_switched_off_learning_ends_the_quiet() -> None:
    case = case_with(older(5), config="learn: {from_corrections: false}")
    add_corrected(case)
    case.job()
    assert len(lines(case)) == 1


def test_a_verdict_holds_no_text() -> None:
    case = named()
    closed(case, Duplicate(5, BY))
    (one,) = case.store.related_verdicts.list(REF.repo_key)
    assert one == RelatedVerdict(41, "confirmed", NOW, "")
