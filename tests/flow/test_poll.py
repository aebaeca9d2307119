"""Polling finds what webhooks would have reported, once, and begins at the present."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import NotFound, RateLimited
from bot.core.job_ids import make_opened_id
from bot.core.journal import Write
from bot.core.types import Record
from bot.flow.poll import LIST_ITEMS, LIST_SPAN_SECONDS, OVERLAP_SECONDS
from tests.fakes import REF
from tests.flow.poll_case import DAY, REPOSITORY, PollCase


@pytest.fixture
def case() -> PollCase:
    """A repository with an old issue that was polled for the first time."""
    case = PollCase()
    case.open(1, created_at=case.source.now - 3600, updated_at=case.source.now - 3600)
    assert case.look() == []
    return case


def test_the_first_look_answers_no_issue_of_before_and_the_next_ones_every_new_one(
    case: PollCase,
) -> None:
    assert case.look() == []
    case.open(2)
    case.open(3)
    assert case.look() == [("opened", 3), ("opened", 2)]
    assert case.look() == []


def test_the_job_of_an_opened_issue_has_the_id_that_a_webhook_claims(case: PollCase) -> None:
    case.open(2)
    case.look()
    (job,) = case.queued.values()
    assert job.id == make_opened_id(replace(REF, number=2))
    assert job.received_at == case.now


def test_an_unchanged_list_is_not_read_again(case: PollCase) -> None:
    for _ in range(3):
        case.look()
    # The second list begins later than the first.
    assert case.source.requests == ["", "", "unchanged", "unchanged"]


@pytest.mark.parametrize("skew", [-DAY, -600.0, 600.0, DAY])
def test_a_wrong_clock_of_this_host_neither_loses_an_issue_nor_answers_old_ones(
    skew: float,
) -> None:
    case = PollCase()
    case.now += skew
    case.open(1, created_at=case.source.now - 60)
    assert case.look() == []
    case.open(2)
    assert case.look() == [("opened", 2)]


def test_a_repository_that_sent_webhooks_is_continued() -> None:
    case = PollCase()
    case.known = True
    case.open(1, created_at=case.source.now - 3600)
    case.open(2, created_at=case.source.now - 2 * DAY)
    case.store.save(replace(REF, number=1).key, Record("skipped"))
    case.open(3, created_at=case.source.now - 1800)
    assert case.look() == [("opened", 3)]


def test_an_edit_and_a_reopening_are_found_once(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.answer(2)
    assert case.look() == []
    case.change(2, body="It crashed with an exception.")
    assert case.look() == [("edited", 2)]
    case.change(2, is_open=False)
    assert case.look() == []
    case.change(2, is_open=True)
    assert case.look() == [("reopened", 2)]
    assert case.look() == []


def test_a_comment_or_another_change_is_no_event(case: PollCase) -> None:
    case.open(2)
    case.look()
    for field in ("locked", "handled"):
        changed: dict[str, Any] = {field: True}
        case.change(2, **changed)
        assert case.look() == []
    case.change(2, is_open=False)
    assert case.look() == []


def test_a_comment_with_commands_is_found_once(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.answer(2)
    case.comment(2)
    assert case.look() == []
    case.comment(2, "redo", "why")
    case.comment(2, "undo")
    assert case.look() == [("command", 2), ("command", 2)]
    jobs = [(job.comment, job.commands) for job in case.queued.values() if job.comment]
    assert jobs == [(2, ("redo", "why")), (3, ("undo",))]
    case.change(2, handled=True)
    assert case.look() == []


def test_a_command_on_an_issue_of_before_is_found_and_one_of_before_the_first_look_is_not() -> None:
    case = PollCase()
    case.open(5, created_at=case.source.now - 100 * DAY)
    case.comment(5, "redo")
    assert case.look() == []
    case.comment(5, "redo")
    assert case.look() == [("command", 5)]
    case.change(5, handled=True)
    assert case.look() == []


def test_comments_are_listed_where_there_are_new_ones_of_others(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.answer(2)
    write = Write("c", "post-comment", comment_id=7, state="done", at=case.now)
    case.store.journal.append(replace(REF, number=2).key, [write])
    case.change(2, comments=1)
    case.look()
    assert case.source.comment_lists == []
    case.comment(2)
    case.look()
    case.change(2, labels=("bug",))
    case.look()
    assert case.source.comment_lists == [2]


def test_a_failed_list_of_comments_is_requested_again_and_a_deleted_issue_stops_nothing(
    case: PollCase,
) -> None:
    case.open(2)
    case.look()
    case.comment(2, "off")
    case.open(3)
    case.source.comment_errors = [RateLimited("too many", 60), NotFound("gone")]
    with pytest.raises(RateLimited):
        case.look()
    assert case.look() == [("opened", 3)]


def test_an_edit_of_an_issue_that_is_older_than_a_day_is_no_event(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.look(after=DAY)
    case.change(2, title="Login fails in Firefox")
    assert case.look() == []


def test_an_edit_that_a_webhook_has_reported_is_no_event(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.change(2, title="Login fails in Firefox")
    case.answer(2)
    assert case.look() == []


def test_the_bot_s_own_labels_are_no_event(case: PollCase) -> None:
    case.open(2, labels=("triage",))
    case.look()
    case.answer(2, "bug", "area/login")
    assert case.look() == []
    case.store.journal.append(
        replace(REF, number=2).key, [Write("w", "remove-label", "area/login", state="done")]
    )
    case.change(2, labels=("triage", "Bug"))
    assert case.look() == []


@pytest.mark.parametrize("labels", [(), ("bug", "docs"), ("docs",)])
def test_labels_that_a_person_changes_are_an_event(case: PollCase, labels: tuple[str, ...]) -> None:
    case.open(2)
    case.look()
    case.answer(2, "bug")
    case.look()
    case.change(2, labels=labels)
    assert case.look() == [("labels", 2)]
    assert case.look() == []


def test_a_label_that_a_person_removes_before_the_bot_s_was_seen_is_an_event(
    case: PollCase,
) -> None:
    case.open(2)
    case.look()
    case.answer(2, "bug")
    case.change(2, labels=())
    assert case.look() == [("labels", 2)]


def test_an_issue_to_which_the_bot_writes_is_compared_by_the_next_look(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.now += 60
    case.answer(2, "bug")
    case.change(2, labels=())
    assert case.look(after=5) == []  # the list may have been made before the label was added
    assert case.look() == [("labels", 2)]
    assert case.look() == []


def test_a_write_that_the_forge_refused_is_none(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.answer(2)
    case.store.journal.append(
        replace(REF, number=2).key, [Write("w", "add-label", "bug", state="refused")]
    )
    case.change(2, labels=("bug",))
    assert case.look() == [("labels", 2)]


def test_labels_of_an_issue_on_which_the_bot_has_not_decided_are_no_event(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.store.save(replace(REF, number=2).key, Record("skipped", "mode is off"))
    case.change(2, labels=("bug",))
    assert case.look() == []


def test_labels_of_an_old_issue_with_a_decision_are_an_event_when_it_was_not_seen(
    case: PollCase,
) -> None:
    for number, labels in ((2, ("bug",)), (3, ("bug", "docs")), (4, ())):
        case.open(number, created_at=case.source.now - 20 * DAY)
        case.answer(number, "bug")
        case.change(number, labels=labels)
    assert case.look() == [("labels", 4), ("labels", 3)]
    assert case.look() == []


def test_what_is_not_enqueued_is_found_again(case: PollCase) -> None:
    case.open(2)
    case.open(3)
    case.refused = {2}
    assert case.look() == [("opened", 3)]
    assert case.look() == []
    case.refused = set()
    assert case.look() == [("opened", 2)]


def test_a_poller_that_ends_before_it_enqueues_finds_the_same_again(case: PollCase) -> None:
    case.open(2)
    case.crash_before_enqueue = True
    with pytest.raises(KeyboardInterrupt):
        case.look()
    case.crash_before_enqueue = False
    assert case.look() == [("opened", 2)]


def test_a_poller_that_ends_on_its_first_look_has_begun(case: PollCase) -> None:
    case = PollCase()
    case.open(1, created_at=case.source.now - 60)
    case.crash_before_enqueue = True
    with pytest.raises(KeyboardInterrupt):
        case.look()
    case.open(2)
    case.crash_before_enqueue = False
    assert case.look() == [("opened", 2)]


@pytest.mark.parametrize("step", ["save_snapshot", "save_cursor"])
def test_a_poller_that_ends_after_it_enqueued_doubles_nothing(
    case: PollCase, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.open(2)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(case.store.poll_state, step, end)
        with pytest.raises(KeyboardInterrupt):
            case.look()
    assert len(case.queued) == 1
    assert case.look() == []


def test_after_a_loss_of_redis_polling_begins_at_the_present(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.answer(2, "bug")
    case.store.poll_state.__init__()  # type: ignore[misc]
    case.store._records.clear()
    assert case.look() == []
    case.open(3)
    assert case.look() == [("opened", 3)]


def test_an_issue_that_a_list_shows_late_is_found(case: PollCase) -> None:
    case.open(2)
    case.source.hidden = {2}
    case.look()
    for number in range(3, 4 + LIST_ITEMS):
        case.open(number)
    assert len(case.look(after=OVERLAP_SECONDS / 2)) == LIST_ITEMS + 1
    case.source.hidden = set()
    assert case.look() == [("opened", 2)]


def test_a_list_that_has_grown_long_is_requested_from_a_later_time(case: PollCase) -> None:
    before = case.store.poll_state.cursor(REPOSITORY.repo_key)
    assert before
    for number in range(2, 3 + LIST_ITEMS):
        case.open(number)
    newest = case.source.now
    case.look()
    after = case.store.poll_state.cursor(REPOSITORY.repo_key)
    assert after
    assert (after.since, after.began) == (newest - OVERLAP_SECONDS, before.began)


def test_a_list_does_not_grow_where_the_bot_writes_to_some_issue_at_each_look(
    case: PollCase,
) -> None:
    for number in range(2, 400):
        case.open(number)
        case.look()
        case.now += 20
        case.answer(number, "bug")
        assert case.look(after=5) == []  # while the bot writes
    cursor = case.store.poll_state.cursor(REPOSITORY.repo_key)
    assert cursor
    assert case.source.now - cursor.since < 2 * LIST_SPAN_SECONDS
    assert len(case.queued) == 398


def test_fifty_thousand_issues_are_read_page_by_page(case: PollCase) -> None:
    old = case.source.now - 300 * DAY
    for number in range(10, 50_010):
        case.open(number, created_at=old, updated_at=old)
    for number in range(10, 1_010):  # a mass edit
        case.change(number)
    case.open(2)
    assert case.look() == [("opened", 2)]
    assert len(case.source.requests) == 1 + 11  # of 1,002 changed issues
    assert case.look() == []
    assert len(case.source.requests) < 24


def test_the_requests_of_all_pages_count(case: PollCase) -> None:
    for number in range(2, 252):
        case.open(number)
    case.source.spacing = 0.5
    case.look()
    assert case.result.pause == 1.5


def test_a_comment_counts_where_the_bot_s_comment_asks_for_something(case: PollCase) -> None:
    case.open(2)
    case.look()
    case.answer(2)
    case.comment(2)
    assert case.look() == []
    with case.store.lock(replace(REF, number=2).key) as lock:
        assert lock.record
        lock.finish(replace(lock.record, missing=2))
    case.comment(2)
    assert case.look() == [("missing", 2)]
    case.change(2, handled=True)
    assert case.look() == []


def test_a_closed_issue_counts_where_the_bot_s_comment_names_older_ones(case: PollCase) -> None:
    for number in (2, 3):
        case.open(number)
    case.look()
    case.answer(2)
    with case.store.lock(replace(REF, number=2).key) as lock:
        assert lock.record
        lock.finish(replace(lock.record, related=(1,)))
    for number in (2, 3):
        case.change(number, is_open=False)
    assert case.look() == [("closed", 2)]
    case.change(2, is_open=True, created_at=0.0)
    assert case.look() == []
