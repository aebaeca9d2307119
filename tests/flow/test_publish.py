"""The one comment: edited if it exists, adopted if the response to its creation was lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.core.errors import Forbidden, OperatorError, Retry, WriteUncertain
from bot.core.types import IssueRef, Marker, OwnComment, Record
from bot.flow.context import Attempt
from bot.flow.load_history import find_own_comment
from bot.flow.publish import CommentWriter
from bot.flow.render import write_marker
from tests.fakes import REF, FakeForge, make_context, make_issue, make_job
from tests.memory_store import MemoryStore

MARKER = Marker((), "1", "model", "0123456789abcdef")
BODY = f"**Summary (automated):** It is broken.\n{write_marker(MARKER)}"
BEFORE = OwnComment(7, f"**Summary (automated):** Earlier.\n{write_marker(MARKER)}")
LOST = WriteUncertain("GitHub failed (status 502)")


def write_comment(
    forge: FakeForge, sleep: Callable[[float], None], before: OwnComment | None = None
) -> OwnComment | None:
    context = make_context(forge, None, MemoryStore(), sleep=sleep)
    with context.store.lock(REF.key) as lock:
        attempt = Attempt.start(make_job(), context, lock)
        return CommentWriter(attempt, Record("writing")).write(BODY, before)


class CommentCase:
    """A forge with some of the bot's comments, and the seconds that writing one took."""

    def __init__(self, *own_comments: OwnComment) -> None:
        self.forge = FakeForge(make_issue("It is broken"), own_comments=list(own_comments))
        self.slept: list[float] = []

    def write_comment(self, before: OwnComment | None = None) -> OwnComment | None:
        return write_comment(self.forge, self.slept.append, before)


def test_running_the_same_plan_twice_leaves_one_comment_and_no_edit() -> None:
    case = CommentCase()
    case.write_comment(case.write_comment())
    assert case.forge.own_comments == [OwnComment(901, BODY)]
    assert case.forge.writes == ["comment"]


def test_a_line_end_that_the_forge_added_causes_no_edit() -> None:
    comment = OwnComment(7, BODY + "\n")
    case = CommentCase(comment)
    assert case.write_comment(comment) == comment
    assert case.forge.writes == []


def test_of_two_comments_with_a_marker_the_older_is_used() -> None:
    case = CommentCase(OwnComment(9, BODY), BEFORE)
    assert find_own_comment(REF, case.forge) == BEFORE


class RacingForge(FakeForge):
    """Another worker's comment with the id `other_id` appears together with the bot's."""

    other_id: int

    def post_comment(self, ref: IssueRef, body: str) -> OwnComment:
        created = super().post_comment(ref, body)
        self.own_comments.append(OwnComment(self.other_id, body))
        return created


@pytest.mark.parametrize(("other_id", "kept"), [(900, 900), (902, 901)])
def test_of_two_comments_left_by_a_race_the_later_one_is_deleted(other_id: int, kept: int) -> None:
    forge = RacingForge(make_issue("It is broken"))
    forge.other_id = other_id
    assert write_comment(forge, print) == OwnComment(kept, BODY)
    assert forge.own_comments == [OwnComment(kept, BODY)]


def test_comments_that_a_person_wrote_are_never_deleted() -> None:
    by_person = OwnComment(999, "I can confirm this.")
    case = CommentCase(by_person)
    case.write_comment()
    assert by_person in case.forge.own_comments


def test_a_comment_whose_response_was_lost_is_adopted_and_not_repeated() -> None:
    case = CommentCase()
    case.forge.fail("post_comment", LOST, done=True)
    assert case.write_comment() == OwnComment(901, BODY)
    assert case.forge.own_comments == [OwnComment(901, BODY)]
    assert case.slept == [2.0]


def test_a_comment_that_never_appears_is_retried_later() -> None:
    case = CommentCase()
    case.forge.fail("post_comment", LOST)
    with pytest.raises(Retry) as retry:
        case.write_comment()
    assert not isinstance(retry.value, WriteUncertain)
    assert case.slept == [2.0, 5.0, 10.0]
    assert case.forge.own_comments == []


def test_a_comment_that_appears_late_is_adopted() -> None:
    case = CommentCase()

    def sleep(seconds: float) -> None:
        case.slept.append(seconds)
        if len(case.slept) == 3:
            case.forge.own_comments.append(OwnComment(901, BODY))

    case.forge.fail("post_comment", LOST)
    assert write_comment(case.forge, sleep) == OwnComment(901, BODY)
    assert case.slept == [2.0, 5.0, 10.0]


@pytest.mark.parametrize("method", ["post_comment", "edit_comment"])
@pytest.mark.parametrize(
    "error", [Forbidden("refused"), OperatorError("credentials"), Retry("slow down", 60)], ids=str
)
def test_other_errors_pass_through_publish(
    method: str, error: Forbidden | OperatorError | Retry
) -> None:
    case = CommentCase(*([BEFORE] if method == "edit_comment" else []))
    case.forge.fail(method, error)
    with pytest.raises(type(error), match=str(error)):
        case.write_comment(BEFORE if method == "edit_comment" else None)
    assert case.slept == []
    assert case.forge.writes == []
