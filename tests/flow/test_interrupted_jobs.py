"""Failures and crashes during a job: what the next try finds and leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.errors import (
    Forbidden,
    ModelFailed,
    NotFound,
    OperatorError,
    RateLimited,
    Retry,
    WriteUncertain,
)
from bot.core.types import IssueRef, Label, OwnComment, Record
from bot.flow.render import read_marker
from tests.fakes import (
    REF,
    ExpiringLockStore,
    FakeForge,
    model_reply,
)
from tests.flow.issue_case import (
    ANSWER,
    BODY,
    BY_MODEL,
    DOWN,
    TITLE,
    make_case,
)
from tests.memory_store import MemoryStore

# Failures during a job.


def test_a_crash_between_labels_and_comment_leaves_one_comment_with_its_labels() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("post_comment")
    assert (case.record.status, case.labels, case.comments) == ("writing", BY_MODEL, [])
    assert case.job(tries=2).record.status == "answered"
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)
    assert "- **Labels:** `bug`, `area/login`." in case.comments[0]


def test_a_crash_before_the_labels_does_not_count_them_as_removed() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("add_labels")
    assert (case.record.status, case.labels) == ("writing", [])
    case.job(tries=2)
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)


def test_labels_of_a_failed_try_are_not_recorded_as_the_bots() -> None:
    other = model_reply("The login button does nothing.", ("documentation", "sure", ""))
    case = make_case(ANSWER, other)
    case.interrupt("add_labels")
    case.job(tries=2)
    assert (case.labels, case.record.labels) == (["documentation"], ("documentation",))


def test_an_interrupted_try_and_a_skip_do_not_count_as_an_answer() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("add_labels")
    case.forge.current = replace(case.forge.current, locked=True)
    assert case.job(tries=2).record.status == "skipped"
    case.forge.current = replace(case.forge.current, locked=False)
    assert case.job(tries=3).record.status == "answered"
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)


def test_a_crash_after_the_comment_leaves_that_one_comment() -> None:
    class CrashingStore(MemoryStore):
        def save(self, key: str, record: Record) -> None:
            if record.status == "answered" and not self.record("died"):
                super().save("died", record)
                raise Retry("the worker was killed")
            super().save(key, record)

    case = make_case(ANSWER, store=CrashingStore())
    with pytest.raises(Retry):
        case.job()
    assert case.record.status == "writing"
    case.job(tries=2)
    assert (case.record.status, case.labels, len(case.comments)) == ("unchanged", BY_MODEL, 1)
    case.forge.person_deletes_comment()
    assert case.job("manual").record.why == "a person deleted the comment"


def test_a_try_interrupted_after_its_comment_is_complete() -> None:
    case = make_case(ANSWER, DOWN)
    case.interrupt("post_comment", Retry("the worker ended"), done=True)
    assert case.record.status == "writing"
    assert case.job(tries=2).record.status == "unchanged"
    assert case.labels == BY_MODEL
    assert len(case.comments) == 1


def test_a_comment_whose_response_was_lost_is_adopted() -> None:
    case = make_case(ANSWER)
    case.forge.fail("post_comment", WriteUncertain("GitHub failed (status 502)"), done=True)
    outcome = case.job()
    assert len(case.comments) == 1
    assert (outcome.record.status, outcome.record.comment_id) == ("answered", 901)


@pytest.mark.parametrize(
    ("answer", "writes", "labels"), [(ANSWER, 0, []), (DOWN, 0, []), (ANSWER, 1, BY_MODEL)]
)
def test_a_lost_lock_stops_the_job_before_its_next_write(
    answer: str | ModelFailed, writes: int, labels: list[str]
) -> None:
    case = make_case(answer, store=ExpiringLockStore(writes))
    with pytest.raises(Retry, match="lock"):
        case.job()
    assert (case.labels, case.comments) == (labels, [])
    assert (case.store.record(REF.key) is None) is (writes == 0)


def test_an_issue_that_another_worker_has_locked_is_retried() -> None:
    case = make_case()
    with case.store.lock(REF.key), pytest.raises(Retry):
        case.job()
    assert case.forge.writes == []


@pytest.mark.parametrize(
    "method", ["get_issue", "get_config_text", "list_labels", "list_own_comments", "add_labels"]
)
@pytest.mark.parametrize(
    "error", [Retry("slow down", 60.0), OperatorError("credentials")], ids=type
)
def test_an_error_for_the_queue_or_the_operator_ends_the_try(
    method: str, error: Retry | OperatorError
) -> None:
    case = make_case(ANSWER)
    case.interrupt(method, error)
    assert case.comments == []


def test_an_issue_not_found_yet_is_retried_twice() -> None:
    case = make_case()
    case.forge.fail("get_issue", *[NotFound("not found", may_be_lag=True)] * 3)
    for tries in (1, 2):
        with pytest.raises(Retry) as retry:
            case.job(tries=tries)
        assert retry.value.after == 5.0
    outcome = case.job(tries=3)
    assert (outcome.record.status, outcome.record.why) == ("skipped", "not found")


@pytest.mark.parametrize("why", ["deleted", "withheld", "moved elsewhere"])
def test_an_issue_that_does_not_exist_is_skipped_without_a_retry(why: str) -> None:
    case = make_case()
    case.forge.fail("get_issue", NotFound(why))
    assert case.job().record.why == why


def test_labels_that_may_not_be_set_are_suggested_in_the_comment() -> None:
    case = make_case(ANSWER)
    case.forge.fail("add_labels", *[Forbidden("refused (status 403)")] * 3)
    assert case.job().record.status == "answered"
    assert case.labels == []
    (comment,) = case.comments
    assert "- **Labels:** Suggested, not applied: `bug`, `area/login`, `regression`" in comment
    assert case.record.labels == ()


def test_a_label_deleted_during_the_job_is_neither_set_nor_recorded() -> None:
    case = make_case(ANSWER)
    case.forge.deleted = {"bug"}
    assert case.job().record.status == "answered"
    assert (case.labels, case.record.labels) == (["area/login"], ("area/login",))
    (comment,) = case.comments
    assert "- **Labels:** `area/login`. Suggested, not applied: `bug`, `regression`" in comment
    marker = read_marker(comment)
    assert marker is not None
    assert marker.labels == ("area/login",)


def test_labels_are_recorded_as_the_bots_although_the_comment_is_refused() -> None:
    case = make_case(ANSWER, ANSWER, config="on: [opened, edited]")
    case.forge.fail("post_comment", *[Forbidden("refused (status 403)")] * 2)
    outcome = case.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", "refused (status 403)")
    assert (case.labels, case.comments) == (BY_MODEL, [])
    case.forge.person_removes("bug")
    case.forge.person_edits(TITLE, BODY + " Again.")
    case.forge.errors.clear()
    case.job("edited")
    assert case.labels == ["area/login"]


def test_the_record_names_the_delivery_and_holds_no_text_of_the_issue() -> None:
    case = make_case(ANSWER)
    case.job()
    assert case.record.delivery == "d-1"
    record = repr(case.record)
    for word in ("Firefox", "upgrade", "ada", "button"):
        assert word not in record


def test_an_issue_that_disappears_while_labels_are_written_is_skipped() -> None:
    case = make_case(ANSWER, ANSWER)
    error = NotFound("not found", may_be_lag=True)
    case.forge.fail("add_labels", *[error] * 3)
    case.forge.fail("post_comment", error)
    assert case.job(tries=3).record.status == "skipped"
    assert case.job(tries=1).record.status == "answered"
    assert case.labels == BY_MODEL
    assert len(case.comments) == 1


def test_a_preview_of_an_answered_issue_leaves_it_answered() -> None:
    case = make_case(ANSWER, ANSWER)
    case.job()
    case.mode = "dry-run"
    case.job("manual")
    case.mode = "apply"
    assert case.job(tries=2).record.why == "already answered"


def test_edits_never_bring_more_labels_than_the_maximum() -> None:
    replies = [model_reply("It is broken.", (f"l{n}", "sure", "")) for n in range(6)]
    labels = tuple(Label(f"l{n}") for n in range(6))
    case = make_case(*replies, labels=labels, config="on: [opened, edited]\nlabels: {max: 2}")
    for number in range(6):
        case.forge.person_edits("Broken", f"text {number}")
        case.job("edited")
    assert case.labels == ["l0", "l1"]


@pytest.mark.parametrize(
    "error", [RateLimited("wait", 3600), OperatorError("the token was revoked")]
)
def test_a_comment_is_recorded_although_the_search_for_a_duplicate_fails(
    error: RateLimited | OperatorError,
) -> None:
    case = make_case(ANSWER, config="on: [opened, edited]")

    class FailingListForge(FakeForge):
        def post_comment(self, ref: IssueRef, body: str) -> OwnComment:
            self.fail("list_own_comments", error)
            return super().post_comment(ref, body)

    case.forge = FailingListForge(case.forge.current, case.forge.repository, case.forge.config)
    assert case.job().record.comment_id == 901
    case.forge.person_deletes_comment()
    case.forge.person_edits("Something else", "Quite another matter with other words in it.")
    assert case.job("edited").record.why == "a person deleted the comment"
    assert case.comments == []
