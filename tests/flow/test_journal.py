"""Each write to a forge is in the journal, also where the job ended just after it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.core.errors import Forbidden, Retry, WriteUncertain
from bot.core.journal import Write
from bot.core.types import Choice, IssueRef, OwnComment
from tests.fakes import REF, FakeForge, model_reply
from tests.flow.issue_case import ANSWER, BAD_GATEWAY, DOWN, IssueCase, make_case
from tests.memory_store import MemoryJournal, MemoryStore

LOST = WriteUncertain("GitHub failed (status 502)")


class StoreWithoutJournal(MemoryStore):
    """A store whose Redis fails when the journal is written."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = FailingJournal()


class FailingJournal(MemoryJournal):
    def append(self, issue: str, writes: Sequence[Write]) -> None:
        raise Retry("Redis does not answer")


def journal(case: IssueCase) -> list[tuple[object, ...]]:
    """Return the kind, label or comment, and state of each write."""
    writes = case.store.journal.list_writes(REF.key)
    return [(write.kind, write.label or write.comment_id, write.state) for write in writes]


def states(case: IssueCase) -> dict[object, object]:
    """Return the state of the last write of each label or comment."""
    return {what: state for _, what, state in journal(case)}


def test_labels_and_comment_of_a_job_are_in_the_journal_with_their_origin() -> None:
    case = make_case(ANSWER)
    case.job()
    assert journal(case) == [
        ("add-label", "bug", "done"),
        ("add-label", "area/login", "done"),
        ("post-comment", 901, "done"),
    ]
    bug, area, _ = case.store.journal.list_writes(REF.key)
    assert (bug.source, bug.certainty, area.certainty) == ("model", "sure", "likely")


def test_the_record_has_the_source_and_certainty_of_each_label() -> None:
    case = make_case(ANSWER)
    case.job()
    assert case.record.choices == (
        Choice("bug", "model", "sure"),
        Choice("area/login", "model", "likely"),
        Choice("regression", "model", "unsure", applied=False),
    )


def test_a_model_s_answer_after_rules_is_journalled_with_what_it_removes() -> None:
    case = make_case(DOWN, model_reply("It is slow.", ("documentation", "sure", "manual")))
    case.job()
    case.job("heal")
    assert journal(case) == [
        ("add-label", "bug", "done"),
        ("add-label", "needs-review", "done"),
        ("remove-label", "bug", "done"),
        ("remove-label", "needs-review", "done"),
        ("add-label", "documentation", "done"),
        ("post-comment", 901, "done"),
    ]
    assert case.record.choices == (Choice("documentation", "model", "sure"),)


def test_a_later_choice_keeps_the_source_of_labels_that_stay() -> None:
    case = make_case(ANSWER, model_reply("It is broken.", ("regression", "sure", "4.2")))
    case.job()
    case.forge.person_edits("Another title")
    case.job("manual")
    assert {(one.label, one.applied) for one in case.record.choices} == {
        ("bug", True),
        ("area/login", True),
        ("regression", True),
    }


@pytest.mark.parametrize("method", ["add_labels", "post_comment"])
def test_a_write_is_pending_while_it_may_have_happened(method: str) -> None:
    case = make_case(ANSWER)
    case.interrupt(method, BAD_GATEWAY, done=True)
    pending = [one for one in journal(case) if one[2] == "pending"]
    assert {kind for kind, *_ in pending} >= {
        "add-label" if method == "add_labels" else "post-comment"
    }


@pytest.mark.parametrize("method", ["add_labels", "post_comment"])
def test_the_next_try_settles_what_the_issue_shows(method: str) -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt(method, BAD_GATEWAY, done=True)
    case.job(tries=2)
    assert len(case.comments) == 1
    assert states(case) == {"bug": "done", "area/login": "done", 901: "done"}


def test_a_label_that_was_not_set_stays_pending_until_it_is() -> None:
    case = make_case(ANSWER, ANSWER)
    case.interrupt("add_labels")
    assert [state for *_, state in journal(case)] == ["pending", "pending"]
    case.job(tries=2)
    assert set(states(case).values()) == {"done"}


def test_a_refused_write_is_journalled_as_refused() -> None:
    case = make_case(ANSWER)
    case.forge.deleted = {"bug"}
    case.forge.fail("post_comment", Forbidden("locked"))
    case.job()
    assert journal(case) == [
        ("add-label", "bug", "refused"),
        ("add-label", "area/login", "done"),
        ("post-comment", 0, "refused"),
    ]
    assert Choice("bug", "model", "sure", applied=False) in case.record.choices


def test_a_comment_that_was_adopted_or_edited_has_its_id() -> None:
    case = make_case(ANSWER, model_reply("It is broken.", ("bug", "sure", "x")))
    case.forge.fail("post_comment", LOST, done=True)
    case.job()
    case.forge.person_edits("Another title")
    case.job("manual")
    assert journal(case)[-2:] == [("post-comment", 901, "done"), ("edit-comment", 901, "done")]


class RacingForge(FakeForge):
    """Another worker's comment appears together with the bot's."""

    def post_comment(self, ref: IssueRef, body: str) -> OwnComment:
        created = super().post_comment(ref, body)
        self.own_comments.append(OwnComment(990, body))
        return created


def test_a_duplicate_that_is_deleted_is_journalled() -> None:
    case = make_case(ANSWER)
    case.forge = RacingForge(case.forge.current, case.forge.repository)
    case.job()
    assert journal(case)[-2:] == [("post-comment", 901, "done"), ("delete-comment", 990, "done")]


def test_a_journal_holds_no_text_of_the_issue() -> None:
    case = make_case(ANSWER)
    case.job()
    assert "Firefox" not in repr(case.store.journal.list_writes(REF.key))


def test_an_unwritten_plan_leaves_no_journal() -> None:
    for mode in ("dry-run", "off"):
        case = make_case(ANSWER, mode=mode)
        case.job()
        assert journal(case) == []


def test_nothing_is_written_that_the_journal_does_not_have() -> None:
    case = make_case(ANSWER, store=StoreWithoutJournal())
    with pytest.raises(Retry):
        case.job()
    assert case.forge.writes == []
