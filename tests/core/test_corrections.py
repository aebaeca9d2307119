"""What people did with labels, and the demotions that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core.corrections import (
    Correction,
    LabelledIssue,
    Verdict,
    count_labels,
    find_corrections,
    select_latest,
)
from bot.core.demotions import find_demotions
from bot.core.journal import Write
from bot.core.types import Choice, LabelChange, Record
from tests.fakes import NOW, make_issue

OPENED = NOW - 5
RECORD = Record(
    "answered",
    labels=("bug", "type::bug"),
    source="rules",
    choices=(
        Choice("bug", "model", "sure"),
        Choice("docs", "model", "unsure", applied=False),
    ),
    input="0" * 16,
)
EXISTING = ("bug", "docs", "ui", "type::bug", "type::feature")


def by_bot(sign_and_name: str, at: float) -> LabelChange:
    return LabelChange(sign_and_name[1:], sign_and_name[0] == "+", NOW + at, True, True)


def by_person(sign_and_name: str, at: float) -> LabelChange:
    return LabelChange(sign_and_name[1:], sign_and_name[0] == "+", NOW + at)


def by_other_bot(sign_and_name: str, at: float) -> LabelChange:
    return replace(by_person(sign_and_name, at), by_bot=True)


def by_token(sign_and_name: str, at: float) -> LabelChange:
    """A change by the account whose personal token the bot has: by the bot, or by that person."""
    return replace(by_person(sign_and_name, at), own=True)


def verdicts(
    changes: Sequence[LabelChange],
    record: Record = RECORD,
    existing: Sequence[str] = EXISTING,
    writes: Sequence[Write] = (),
) -> list[tuple[str, str, float]]:
    """Return label, verdict and time, of an issue whose labels are what the changes leave."""
    on_issue: dict[str, None] = {}
    for change in changes:
        if change.added:
            on_issue[change.name] = None
        else:
            on_issue.pop(change.name, None)
    issue = make_issue("It fails", labels=[*on_issue])
    case = LabelledIssue(issue, record, writes, changes, existing, "config")
    return [(one.label, one.verdict, one.at - NOW) for one in find_corrections(case)]


SET = by_bot("+bug", 1)
CASES: dict[str, tuple[list[LabelChange], list[tuple[str, str, float]]]] = {
    "nobody changed anything": ([SET], []),
    "a person removed the bot's label": ([SET, by_person("-bug", 9)], [("bug", "removed", 9)]),
    "the bot removed its own": ([SET, by_bot("-bug", 9)], []),
    "another bot removed it": ([SET, by_other_bot("-bug", 9)], []),
    "another bot changed another one": ([SET, by_other_bot("+ui", 9)], []),
    "a person removed it and set it again": (
        [SET, by_person("-bug", 9), by_person("+bug", 12)],
        [("bug", "added", 12)],
    ),
    "a person removed it twice": (
        [SET, by_person("-bug", 9), by_person("+bug", 12), by_person("-bug", 15)],
        [("bug", "removed", 15)],
    ),
    "a person set another one": (
        [SET, by_person("+ui", 9), by_person("+docs", 20)],
        [("bug", "kept", 9), ("ui", "added", 9), ("docs", "added", 20)],
    ),
    "a person set one and took it back": (
        [SET, by_person("+ui", 9), by_person("-ui", 10)],
        [("bug", "kept", 9)],
    ),
    "the author's labels came with the issue": (
        [by_person("+ui", -5), by_person("+docs", -3), SET],
        [],
    ),
    "a person labelled before the bot did": ([by_person("+ui", 0.5), SET], [("ui", "added", 0.5)]),
    "a label that a person had set first": ([by_person("+bug", 0.5)], [("bug", "added", 0.5)]),
    "a label in another case": ([by_bot("+Bug", 1), by_person("-Bug", 9)], [("bug", "removed", 9)]),
    "a scoped label was replaced": (
        [by_bot("+type::bug", 1), by_person("-type::bug", 9), by_person("+type::feature", 9.5)],
        [("type::feature", "added", 9.5)],
    ),
    "a scoped label was removed, and later another set": (
        [by_bot("+type::bug", 1), by_person("-type::bug", 9), by_person("+type::feature", 60)],
        [("type::bug", "removed", 9), ("type::feature", "added", 60)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_people_did(name: str) -> None:
    changes, expected = CASES[name]
    assert verdicts(changes) == expected


def test_a_label_that_the_repository_lost_was_not_rejected() -> None:
    changes = [SET, by_person("-bug", 9)]
    assert verdicts(changes, existing=["docs"]) == []


def test_a_label_that_was_removed_after_an_interrupted_try_counts() -> None:
    record = replace(RECORD, labels=(), removed=("bug",))
    assert verdicts([SET, by_person("-bug", 9)], record) == [("bug", "removed", 9)]


def test_a_correction_has_the_bot_s_source_and_certainty() -> None:
    changes = [SET, by_bot("+type::bug", 1), by_person("+docs", 9), by_person("+ui", 9)]
    issue = make_issue("It fails", labels=["bug", "type::bug", "docs", "ui"])
    found = find_corrections(LabelledIssue(issue, RECORD, (), changes, EXISTING, "digest"))
    assert {one.label: (one.source, one.certainty) for one in found} == {
        "bug": ("model", "sure"),
        "type::bug": ("rules", ""),  # of a version that kept no choices
        "docs": ("model", "unsure"),
        "ui": ("", ""),
    }
    assert {(one.number, one.config) for one in found} == {(41, "digest")}


ADDED = Write("1", "add-label", "bug", at=NOW + 2, state="done")


@pytest.mark.parametrize(
    ("writes", "changes", "expected"),
    [
        ([ADDED], [by_token("+bug", 1)], []),
        ([replace(ADDED, state="pending")], [by_token("+bug", 1)], []),
        ([ADDED], [by_token("+bug", 1), by_token("-bug", 30)], [("bug", "removed", 30)]),
        (
            [ADDED, replace(ADDED, id="2", kind="remove-label", at=NOW + 31)],
            [by_token("+bug", 1), by_token("-bug", 30)],
            [],
        ),
        (
            [ADDED],
            [by_token("+bug", 1), by_token("+ui", 30)],
            [("bug", "kept", 30), ("ui", "added", 30)],
        ),
        ([replace(ADDED, label="ui", state="refused")], [by_token("+ui", 1)], [("ui", "added", 1)]),
        ([replace(ADDED, label="ui")], [by_token("+ui", 9000)], [("ui", "added", 9000)]),
        (
            [],
            [by_token("+bug", 1), by_token("+ui", 30)],
            [("bug", "kept", 30), ("ui", "added", 30)],
        ),
        (  # the journal began after the label was set: of a former version, or a loss of Redis
            [Write("2", "edit-comment", comment_id=7, at=NOW + 20, state="done")],
            [by_token("+bug", 1), by_token("+ui", 30)],
            [("bug", "kept", 30), ("ui", "added", 30)],
        ),
    ],
    ids=range(9),
)
def test_with_a_person_s_token_the_journal_tells_who_it_was(
    writes: list[Write], changes: list[LabelChange], expected: list[tuple[str, str, float]]
) -> None:
    assert verdicts(changes, writes=writes) == expected


def say(text: str, label: str = "bug", config: str = "") -> list[Correction]:
    """Return corrections of issues 1, 2, …: r(emoved), k(ept), a(dded), s(uggested and added),
    d(ismissed), p (approved)."""
    names: dict[str, Verdict] = {"r": "removed", "k": "kept", "a": "added", "s": "added"}
    names |= {"d": "dismissed", "p": "approved"}
    return [
        Correction(n, label, names[one], NOW + n, "" if one == "a" else "model", "sure", config)
        for n, one in enumerate(text, 1)
    ]


@pytest.mark.parametrize(
    ("text", "demoted"),
    [
        ("rr", False),
        ("rrr", True),
        ("rrrr", True),
        ("rrkr", False),
        ("rarr", False),
        ("rsrr", False),
        ("krrr", True),
        ("rrrk", True),
        ("rrrss", True),
        ("rrrsss", False),
        ("rrrsrss", True),
        ("rrrsrsss", False),
        ("rrrssarr", True),
        ("rrrsssrr", False),
        ("rrrsssrrr", True),
    ],
)
def test_three_removals_in_a_row_demote_and_three_additions_end_it(
    text: str, demoted: bool
) -> None:
    assert bool(find_demotions(say(text), "")) is demoted


@pytest.mark.parametrize(
    ("text", "refusals"),
    [
        ("dd", ""),
        ("ddd", "dismissed"),
        ("ddpd", ""),
        ("ddad", ""),
        ("ddsd", ""),
        ("ddkd", "dismissed"),
        ("ddrd", "dismissed"),
        ("dddaa", "dismissed"),
        ("dddaaa", ""),
        ("dddsps", ""),
        ("dddaadaa", "dismissed"),
        ("dddaaaddd", "dismissed"),
        ("rrdr", "removed"),
        ("rrpr", ""),
        ("rrrpp", "removed"),
        ("rrrpps", ""),
        ("rrrssdss", "removed"),
        ("rrrddd", "removed dismissed"),
        ("rrrdddaaa", "removed"),
        ("rrrdddsss", ""),
        ("rdrdrd", "removed dismissed"),
    ],
)
def test_three_dismissals_in_a_row_withhold_a_label_and_approvals_count_as_additions(
    text: str, refusals: str
) -> None:
    assert " ".join(one.refusal for one in find_demotions(say(text), "")) == refusals


def test_approved_and_dismissed_suggestions_count_in_the_share() -> None:
    (model, people) = sorted(count_labels(say("kkprda")), key=lambda one: not one.source)
    assert (model.approved, model.dismissed, model.kept_share) == (1, 1, 0.6)
    assert (people.added, people.kept_share) == (1, None)


def test_of_one_second_an_approval_counts_in_place_of_the_addition_that_it_is() -> None:
    approved = say("p")[0]
    added = replace(approved, verdict="added")
    for order in ([approved, added], [added, approved]):
        assert select_latest(order) == (approved,)


def test_a_demotion_names_its_issues_and_when_it_began() -> None:
    (demotion,) = find_demotions(say("krrrrs"), "")
    assert (demotion.label, demotion.issues, demotion.since) == ("bug", (2, 3, 4, 5), NOW + 4)
    assert demotion.additions == 1


def test_removals_of_different_labels_or_of_one_issue_are_not_counted_together() -> None:
    other = say("rr", "docs")
    again = [replace(one, at=one.at + 60) for one in say("rr")]
    assert find_demotions([*other, *say("rr"), *again], "") == ()


def test_a_label_that_was_kept_when_it_would_be_demoted_is_not() -> None:
    kept = replace(say("rrrk")[3], at=NOW + 3)
    assert find_demotions([*say("rrr"), kept], "") == ()
    at_once = [replace(one, at=NOW) for one in say("rrrrk")]
    assert find_demotions(at_once, "") == ()
    assert find_demotions(at_once[:-1], "")


def test_only_removals_under_the_configuration_in_force_count() -> None:
    assert find_demotions(say("rrr", config="old"), "new") == ()
    assert find_demotions(say("rrr", config="new"), "new")
    between = Correction(9, "docs", "added", NOW + 9, config="other")
    assert find_demotions([*say("rrr", config="new"), between], "new") == (), "changed, and back"


@pytest.mark.parametrize(
    ("resumed", "left"), [("", []), ("BUG", ["docs"]), ("docs", ["bug"]), ("ui", ["bug", "docs"])]
)
def test_a_person_ends_a_demotion(resumed: str, left: list[str]) -> None:
    ended = Correction(0, resumed, "resumed", NOW + 10)
    demotions = find_demotions([*say("rrr"), *say("rrr", "docs"), ended], "")
    assert [one.label for one in demotions] == left
    later = [replace(one, number=one.number + 9, at=one.at + 20) for one in say("rrr")]
    assert "bug" in [one.label for one in find_demotions([*say("rrr"), ended, *later], "")]


def test_the_latest_correction_of_an_issue_and_label_counts() -> None:
    first, second = say("r")[0], replace(say("k")[0], at=NOW + 50, label="Bug")
    assert select_latest([second, first]) == (second,)
