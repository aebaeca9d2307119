"""The review of a repository's labels, from its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.types import Label
from bot.learn.label_review import MIN_ISSUES, Problem, ProblemKind, Repository, review_labels
from bot.learn.model import Example
from bot.learn.train import train

Sets = Mapping[tuple[str, ...], int]
COMMON: Sets = {("bug",): 60, ("docs",): 60}


def review(
    sets: Sets, labels: Sequence[str | Label] = (), protected: Sequence[str] = ()
) -> list[Problem]:
    """Return the problems of a repository with so many issues of each set of labels.

    The texts of the issues show nothing. Labels are those of `sets`, described, and `labels`.
    """
    names = dict.fromkeys(name for labels_of_one in sets for name in labels_of_one)
    given = [x if isinstance(x, Label) else Label(x, f"When it is {x}.") for x in labels]
    known = {**{name: Label(name, f"When it is {name}.") for name in names}}
    known |= {label.name: label for label in given}
    usable = [label for label in known.values() if label.name not in protected]
    history = [names for names, number in sets.items() for _ in range(number)]
    examples = [Example({1: 1.0}, names, at) for at, names in enumerate(history)]
    model = train(examples, usable, 0.9, 0.0)
    return list(review_labels(Repository(list(known.values()), usable, history, model)))


def only(kind: ProblemKind, problems: Sequence[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.kind == kind]


def test_the_most_used_of_two_spellings_is_kept() -> None:
    (problem,) = only("look-alike", review({("Bugs",): 3, ("bug",): 12}))
    assert (problem.labels, problem.issues) == (("bug", "Bugs"), 15)
    assert problem.evidence == (
        'the same name but for plural: "bug" on 12 issues, "Bugs" on 3 issues'
    )
    assert problem.proposal.startswith('Keep "bug": set it on the issues of "Bugs", and delete')


def test_of_two_unused_spellings_the_described_one_is_kept() -> None:
    (problem,) = only("look-alike", review({}, [Label("Bugs"), "bug"]))
    assert problem.labels == ("bug", "Bugs")


def test_labels_of_one_concept_are_look_alikes_unless_people_set_them() -> None:
    problems = only("look-alike", review({("bug",): 9, ("defect",): 4}, ["critical", "asap"]))
    assert [problem.labels for problem in problems] == [("bug", "defect")]
    assert "both mean bug" in problems[0].evidence
    assert not only("look-alike", review({("bug",): 9, ("defect",): 4}, protected=["defect"]))


def test_a_label_that_rarely_comes_alone_overlaps() -> None:
    sets = {**COMMON, ("crash", "bug"): 9, ("crash",): 1}
    (problem,) = only("overlapping", review(sets))
    assert (problem.labels, problem.issues) == (("crash", "bug"), 9)
    assert problem.evidence == (
        '9 of the 10 issues with "crash" (90 %) also have "bug", which is on 69 issues'
    )


def test_an_overlap_needs_five_issues_and_four_of_five() -> None:
    assert not only("overlapping", review({**COMMON, ("crash", "bug"): 4}))
    assert only("overlapping", review({**COMMON, ("crash", "bug"): 5}))
    assert not only("overlapping", review({**COMMON, ("crash", "bug"): 7, ("crash",): 3}))


def test_a_label_that_is_on_most_issues_explains_no_overlap() -> None:
    sets: Sets = {("triage-me", "docs"): 80, ("docs",): 20, ("triage-me", "crash"): 10}
    assert not only("overlapping", review(sets))


def test_labels_about_the_work_on_an_issue_do_not_overlap() -> None:
    assert not only("overlapping", review({**COMMON, ("in progress", "bug"): 10}))


def test_a_label_that_the_texts_do_not_show_is_unlearnable() -> None:
    problems = only("unlearnable", review({("bug",): 30, ("docs",): 30}))
    assert {problem.labels for problem in problems} == {("bug",), ("docs",)}
    assert problems[0].evidence.startswith(
        "on 30 issues; what was learned from them is not right in 90 % of"
    )


def test_a_rare_label_is_unlearnable_where_enough_issues_were_read() -> None:
    sets: Sets = {("bug",): MIN_ISSUES - 3, ("rare",): 3}
    problem = next(x for x in review(sets) if x.kind == "unlearnable" and x.labels == ("rare",))
    assert problem.evidence == "only 3 labelled issues have it, 8 are needed"
    few = review({("bug",): 50, ("rare",): 3})
    assert ("rare",) not in [x.labels for x in few if x.kind == "unlearnable"]


def test_process_and_protected_labels_are_never_unlearnable() -> None:
    sets = {**COMMON, ("in progress",): 20, ("wontfix",): 20}
    shown = {x.labels for x in only("unlearnable", review(sets, protected=["wontfix"]))}
    assert shown == {("bug",), ("docs",)}


def test_only_labels_that_the_bot_may_set_need_a_description() -> None:
    sets: Sets = {("area/login",): 7, ("wontfix",): 9}
    labels = [Label("area/login"), Label("wontfix"), Label("api", " ")]
    problems = only("undescribed", review(sets, labels, protected=["wontfix"]))
    assert [problem.labels for problem in problems] == [("area/login",), ("api",)]
    assert problems[0].evidence == "no description; on 7 issues"


def test_a_label_counts_as_never_used_where_enough_issues_were_read() -> None:
    assert not only("never-used", review({("bug",): MIN_ISSUES - 1}, ["stale-cache"]))
    problems = only(
        "never-used", review({("bug",): MIN_ISSUES}, ["stale-cache", "lgtm"], protected=["lgtm"])
    )
    proposals = {problem.labels[0]: problem.proposal for problem in problems}
    assert "labels.deny" in proposals["stale-cache"]
    assert proposals["lgtm"] == "Delete it, unless pull requests or an automation need it."


def test_problems_are_sorted_by_kind_and_by_the_issues_that_they_concern() -> None:
    sets = {**COMMON, ("Bug",): 2, ("doc",): 9, ("crash", "bug"): 9}
    shown = [(x.kind, x.labels) for x in review(sets, [Label("unused")])]
    assert shown[:3] == [
        ("look-alike", ("bug", "Bug")),
        ("look-alike", ("docs", "doc")),
        ("overlapping", ("crash", "bug")),
    ]
    assert shown[-2:] == [("undescribed", ("unused",)), ("never-used", ("unused",))]


def test_a_repository_without_labels_and_issues_has_no_problems() -> None:
    assert review({}) == []
