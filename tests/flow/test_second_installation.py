"""Two installations of Tagline at one issue: the second stands back."""

from __future__ import annotations

from bot.core.errors import Retry
from bot.core.types import Marker, OwnComment
from bot.flow.process import ANSWERED_BY_OTHER
from bot.flow.render import write_marker
from tests.flow.issue_case import ANSWER, BY_MODEL, make_case

THEIRS = OwnComment(5, f"Known.\n{write_marker(Marker((), '1', 'model', '0' * 16))}")


def test_an_issue_with_the_comment_of_another_installation_is_skipped() -> None:
    case = make_case()
    case.forge.other_bots_comments.append(THEIRS)
    outcome = case.job()
    assert (outcome.record.status, outcome.record.why) == ("skipped", ANSWERED_BY_OTHER)
    assert case.forge.writes == []


def test_the_bot_s_own_comment_is_edited_also_beside_another_one() -> None:
    case = make_case(ANSWER, ANSWER)
    case.job()
    case.forge.other_bots_comments.append(THEIRS)
    assert case.job("manual").record.status == "answered"


def test_a_comment_of_another_program_without_a_marker_changes_nothing() -> None:
    case = make_case(ANSWER)
    case.forge.other_bots_comments.append(OwnComment(5, "Thank you for your report!"))
    case.job()
    assert (case.labels, len(case.comments)) == (BY_MODEL, 1)


def test_an_issue_without_comments_costs_no_request_for_those_of_others() -> None:
    case = make_case(ANSWER, issue={"comments": 0})
    case.forge.fail("list_other_bots_comments", Retry("not expected"))
    case.job()
    assert len(case.comments) == 1
