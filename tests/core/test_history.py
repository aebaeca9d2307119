"""The bot's earlier changes to an issue, and whether a job has anything left to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.history import IssueHistory, issue_fingerprint
from bot.core.types import JobKind, Marker, OwnComment, Record
from tests.fakes import make_issue

HASH = "0123456789abcdef"
COMMENT = OwnComment(7, "ours")
MARKER = Marker(("bug",), "1", "model", HASH)
RECORD = Record("answered", labels=("bug",), comment_id=7, input=HASH, source="model")


def history(
    record: Record | None = None, marker: Marker | None = None, labels: tuple[str, ...] = ()
) -> IssueHistory:
    comment = COMMENT if marker else None
    return IssueHistory(make_issue("Broken", "", labels), HASH, record, comment, marker)


# The fingerprint.


def test_the_same_text_has_the_same_fingerprint() -> None:
    issue = make_issue("Broken", "It is.")
    assert issue_fingerprint(issue) == issue_fingerprint(
        replace(issue, labels=("bug",), locked=True)
    )
    assert len(issue_fingerprint(issue)) == 16


def test_text_that_cannot_be_encoded_has_a_fingerprint_too() -> None:
    assert len(issue_fingerprint(make_issue("\ud800", "\udfff"))) == 16


# Whose labels.

# Record's status and labels, marker's labels, labels there → ours, and removed by a person.
LABELS = {
    "nothing known": (None, (), (), ("x",), (), ()),
    "all still there": ("answered", ("bug",), ("bug",), ("bug", "x"), ("bug",), ()),
    "one is gone": ("answered", ("bug", "ui"), ("bug",), ("ui",), ("bug", "ui"), ("bug",)),
    "only the marker knows": (None, (), ("bug",), (), ("bug",), ("bug",)),
    "only the record knows": ("fallback", ("bug",), (), (), ("bug",), ("bug",)),
    "another case is no removal": ("answered", ("Bug",), (), ("bug",), ("Bug",), ()),
    "a try was cut short before its labels": ("writing", ("bug",), (), (), (), ()),
    "a try was cut short after its labels": ("writing", ("bug",), (), ("bug",), ("bug",), ()),
    "a second try was cut short": ("writing", ("bug", "ui"), ("bug",), (), ("bug",), ("bug",)),
}


@pytest.mark.parametrize("name", LABELS)
def test_which_labels_are_ours_and_which_a_person_removed(name: str) -> None:
    status, recorded, marked, there, bot_accounts, removed = LABELS[name]
    record = replace(RECORD, status=status, labels=recorded) if status else None  # type: ignore[arg-type]
    marker = replace(MARKER, labels=marked) if marked else None
    known = history(record, marker, there)
    assert known.applied_by_bot == bot_accounts
    assert known.current_labels.labels == there
    assert tuple(known.current_labels.removed) == removed


def test_a_removal_is_remembered_through_a_try_that_was_cut_short() -> None:
    record = Record("writing", labels=("bug", "ui"), removed=("bug",))
    assert tuple(history(record).current_labels.removed) == ("bug",)
    assert tuple(history(record, labels=("bug",)).current_labels.removed) == ()


# Whether anything is left to do.

RULES = replace(RECORD, source="rules", status="fallback", comment_id=0)
DELETED = "a person deleted the comment"
DONE = "already answered"
# Record, marker → why an opened issue is settled, and why one is that a command asks for.
SETTLED = {
    "nothing known": (None, None, "", ""),
    "answered": (RECORD, MARKER, DONE, ""),
    "answered, Redis lost": (None, MARKER, DONE, ""),
    "answered without a comment": (replace(RECORD, comment_id=0), None, DONE, ""),
    "text changed": (replace(RECORD, input="x"), replace(MARKER, input="x"), "", ""),
    "text changed, Redis lost": (None, replace(MARKER, input="x"), "", ""),
    "fell back": (RULES, None, "", ""),
    "fell back with a comment": (None, replace(MARKER, source="rules"), "", ""),
    "comment deleted": (RECORD, None, DELETED, DELETED),
    "fallback comment deleted": (replace(RULES, comment_id=7), None, DELETED, DELETED),
    "text changed, comment deleted": (replace(RECORD, input="x"), None, DELETED, DELETED),
    "cut short": (replace(RECORD, status="writing", comment_id=0), None, "", ""),
    "cut short after the comment": (replace(RECORD, status="writing"), MARKER, DONE, ""),
    "cut short, comment deleted": (replace(RECORD, status="writing"), None, DELETED, DELETED),
    "dry run of what is new": (Record("dry-run", input=HASH), None, "", ""),
    "dry run of what was answered": (replace(RECORD, status="dry-run"), MARKER, DONE, ""),
    "skipped": (Record("skipped", "locked"), None, "", ""),
}


@pytest.mark.parametrize("name", SETTLED)
def test_a_settled_issue_needs_no_job(name: str) -> None:
    record, marker, why, why_by_hand = SETTLED[name]
    known = history(record, marker)
    kinds: tuple[JobKind, ...] = ("opened", "edited", "reopened")
    assert {known.why_settled(kind) for kind in kinds} == {why}
    assert known.why_settled("manual") == why_by_hand


# An end that wrote nothing.


def test_an_end_that_wrote_nothing_keeps_what_was_known() -> None:
    assert history(RECORD).ended("skipped", "locked") == replace(
        RECORD, status="skipped", why="locked"
    )
    assert history().ended("skipped", "locked") == Record("skipped", "locked")


def test_an_end_after_a_try_that_was_cut_short_claims_only_what_is_there() -> None:
    record = replace(RECORD, status="writing", labels=("bug", "ui"), comment_id=0)
    ended = history(record, labels=("ui",)).ended("skipped", "locked")
    assert (ended.labels, ended.source) == (("ui",), "")


def test_what_rules_answered_is_final_only_while_there_is_no_model() -> None:
    known = history(RULES)
    assert known.why_settled("opened", has_model=False) == "already answered"
    assert known.why_settled("opened", has_model=True) == ""
