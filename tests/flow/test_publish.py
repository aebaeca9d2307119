"""Writing the one comment: in place where there is one, adopted where an answer got lost."""

from __future__ import annotations

import pytest

from bot.core.errors import Forbidden, OperatorError, Retry, WriteUncertain
from bot.core.types import IssueRef, Marker, OwnComment
from bot.flow.publish import own_comment, write_comment
from bot.flow.render import write_marker
from tests.fakes import REF, FakeForge, an_issue

MARKER = Marker((), "1", "model", "0123456789abcdef")
BODY = f"**Summary (automated):** It is broken.\n{write_marker(MARKER)}"
BEFORE = OwnComment(7, f"**Summary (automated):** Earlier.\n{write_marker(MARKER)}")
LOST = WriteUncertain("GitHub failed (status 502)")


class Scene:
    """A forge with some comments of ours, and a record of how long was waited."""

    def __init__(self, *own_comments: OwnComment) -> None:
        self.forge = FakeForge(an_issue("It is broken"), own_comments=list(own_comments))
        self.slept: list[float] = []

    def write_comment(self, before: OwnComment | None = None) -> OwnComment | None:
        return write_comment(REF, BODY, before, self.forge, self.slept.append)


def test_a_first_comment_is_posted() -> None:
    scene = Scene()
    assert scene.write_comment() == OwnComment(901, BODY)
    assert scene.forge.own_comments == [OwnComment(901, BODY)]


def test_running_the_same_plan_twice_leaves_one_comment_and_no_edit() -> None:
    scene = Scene()
    scene.write_comment(scene.write_comment())
    assert scene.forge.own_comments == [OwnComment(901, BODY)]
    assert scene.forge.writes == ["comment"]


def test_a_comment_that_is_there_is_edited_in_place() -> None:
    scene = Scene(BEFORE)
    assert scene.write_comment(BEFORE) == OwnComment(7, BODY)
    assert scene.forge.own_comments == [OwnComment(7, BODY)]


def test_a_comment_that_a_forge_gave_a_line_end_is_not_edited_for_it() -> None:
    there = OwnComment(7, BODY + "\n")
    scene = Scene(there)
    assert scene.write_comment(there) == there
    assert scene.forge.writes == []


def test_of_two_comments_the_older_is_ours() -> None:
    scene = Scene(OwnComment(9, BODY), BEFORE)
    assert own_comment(REF, scene.forge) == BEFORE


class Raced(FakeForge):
    """Another worker's comment appears together with ours, `theirs` saying with which number."""

    theirs: int

    def comment(self, ref: IssueRef, body: str) -> OwnComment:
        made = super().comment(ref, body)
        self.own_comments.append(OwnComment(self.theirs, body))
        return made


@pytest.mark.parametrize(("theirs", "kept"), [(900, 900), (902, 901)])
def test_of_two_comments_that_a_race_has_left_the_later_one_goes(theirs: int, kept: int) -> None:
    forge = Raced(an_issue("It is broken"))
    forge.theirs = theirs
    said = write_comment(REF, BODY, None, forge, print)
    assert said == OwnComment(kept, BODY)
    assert forge.own_comments == [OwnComment(kept, BODY)]


def test_comments_by_hand_are_never_taken_away() -> None:
    by_hand = OwnComment(999, "I can confirm this.")
    scene = Scene(by_hand)
    scene.write_comment()
    assert by_hand in scene.forge.own_comments


def test_a_comment_without_the_marker_is_somebody_writing_by_hand() -> None:
    by_hand = OwnComment(7, "I can confirm this.")
    scene = Scene(by_hand)
    assert scene.write_comment() == OwnComment(901, BODY)
    assert by_hand in scene.forge.own_comments


def test_a_deleted_comment_is_not_posted_again() -> None:
    scene = Scene()
    assert scene.write_comment(BEFORE) is None
    assert scene.forge.own_comments == []


def test_a_comment_whose_answer_was_lost_is_adopted_and_not_doubled() -> None:
    scene = Scene()
    scene.forge.fails("comment", LOST, done=True)
    assert scene.write_comment() == OwnComment(901, BODY)
    assert scene.forge.own_comments == [OwnComment(901, BODY)]
    assert scene.slept == [2.0]


def test_a_comment_that_never_shows_up_is_tried_again_later() -> None:
    scene = Scene()
    scene.forge.fails("comment", LOST)
    with pytest.raises(Retry) as later:
        scene.write_comment()
    assert not isinstance(later.value, WriteUncertain)
    assert scene.slept == [2.0, 5.0, 10.0]
    assert scene.forge.own_comments == []


def test_a_comment_that_shows_up_late_is_still_adopted() -> None:
    scene = Scene()

    def sleep(seconds: float) -> None:
        scene.slept.append(seconds)
        if len(scene.slept) == 3:
            scene.forge.own_comments.append(OwnComment(901, BODY))

    scene.forge.fails("comment", LOST)
    assert write_comment(REF, BODY, None, scene.forge, sleep) == OwnComment(901, BODY)
    assert scene.slept == [2.0, 5.0, 10.0]


@pytest.mark.parametrize("method", ["comment", "edit"])
@pytest.mark.parametrize(
    "error", [Forbidden("refused"), OperatorError("credentials"), Retry("slow down", 60)], ids=str
)
def test_other_errors_are_not_for_publish_to_settle(
    method: str, error: Forbidden | OperatorError | Retry
) -> None:
    scene = Scene(*([BEFORE] if method == "edit" else []))
    scene.forge.fails(method, error)
    with pytest.raises(type(error), match=str(error)):
        scene.write_comment(BEFORE if method == "edit" else None)
    assert scene.slept == []
    assert scene.forge.writes == []
