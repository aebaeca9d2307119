"""Which labels mean an issue type, and which type an issue gets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.labels.issue_types import decide_type, find_types
from bot.core.labels.policy import CurrentLabels
from bot.core.types import Certainty, Label, LabelDecision, LabelSuggestion
from tests.configs import parse
from tests.fakes import make_issue

TYPES = ("Bug", "Feature", "Task", "Question", "Documentation")


def labels(*names: str) -> list[Label]:
    return [Label(name) for name in names]


def synonyms(names: list[str], config: str = "", types: tuple[str, ...] = TYPES) -> dict[str, str]:
    return dict(find_types(labels(*types), labels(*names), parse(config)[0]).synonyms)


@pytest.mark.parametrize(
    ("label", "type_name"),
    [
        ("bug", "Bug"),
        ("kind/bug", "Bug"),
        ("type: bug", "Bug"),
        ("🐛 Bug", "Bug"),
        ("defect", "Bug"),
        ("enhancement", "Feature"),
        ("feature-request", "Feature"),
        ("task", "Task"),
        ("docs", "Documentation"),
        ("support", "Question"),
    ],
)
def test_a_label_of_equal_meaning_is_found(label: str, type_name: str) -> None:
    assert synonyms([label]) == {label.lower(): type_name}


@pytest.mark.parametrize("label", ["area/docs", "bug-bash", "regression", "epic", "area/bug"])
def test_other_labels_mean_no_type(label: str) -> None:
    assert synonyms([label]) == {}


def test_the_repository_s_own_table_comes_first() -> None:
    config = "types: {map: {bug: [Crash, enhancement], Gone: [defect]}}"
    assert synonyms(["crash", "enhancement", "defect"], config) == {
        "crash": "Bug",
        "enhancement": "Bug",
        "defect": "Bug",
    }


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ("", ["Bug", "Feature"]),
        ("types: {set: false}", []),
        ("types: never", []),
        ("labels: {deny: [bug]}", ["Feature"]),
        ("labels: {allow: [bug]}", ["Bug"]),
        ("labels: 5", []),
    ],
)
def test_a_type_may_be_set_as_a_label_of_its_name(config: str, names: list[str]) -> None:
    found = find_types(labels("Bug", "Feature", "Security"), labels("bug"), parse(config)[0])
    assert [one.name for one in found.types] == names


def test_scoped_labels_are_types_where_the_forge_has_no_others() -> None:
    names = ["type::bug", "type::feature", "bug", "enhancement", "area::docs"]
    found = find_types((), labels(*names), parse("")[0])
    assert found.scoped == {"bug": "type::bug", "enhancement": "type::feature"}
    assert found.types == ()
    choices = chosen(("bug", "sure"), ("type::bug", "sure"), ("area::docs", "sure"))
    kept = found.drop_repeated(choices, [])
    assert [one.label for one in kept] == ["bug", "area::docs"]
    assert [one.label for one in found.drop_repeated(choices, ["type::bug"])] == [
        "type::bug",
        "area::docs",
    ]
    assert "type::bug" in synonyms(names), "beside real types it is a label as any other"


@pytest.mark.parametrize(
    ("names", "its_type", "learned"),
    [
        (["area/login"], "Bug", ["area/login", "Bug"]),
        (["bug", "area/login"], "", ["Bug", "area/login"]),
        (["defect", "enhancement"], "Bug", ["Bug"]),
        (["bug", "enhancement"], "", ["Bug", "Feature"]),
        ([], "", []),
    ],
)
def test_a_past_issue_s_type_is_learned_as_a_label(
    names: list[str], its_type: str, learned: list[str]
) -> None:
    known = labels("bug", "defect", "enhancement", "area/login")
    found = find_types(labels("Bug", "Feature"), known, parse("")[0])
    issue = replace(make_issue("Login fails"), labels=tuple(names), type=its_type)
    assert found.merge(issue).labels == tuple(learned)
    without = find_types((), known, parse("")[0])
    assert without.merge(issue).labels == tuple(names)


def chosen(*given: tuple[str, Certainty]) -> list[LabelSuggestion]:
    return [LabelSuggestion(name, certainty) for name, certainty in given]


def shown(decision: LabelDecision) -> tuple[list[str], ...]:
    parts = (decision.apply, decision.suggested, decision.keep)
    return (*([one.label for one in part] for part in parts), list(decision.remove))


NONE = CurrentLabels()
OURS = CurrentLabels(("Bug",), (), ("Bug",))
REPLACEABLE = CurrentLabels(("Bug",), (), ("Bug",), ("Bug",))
BY_PERSON = CurrentLabels(("Bug",))
REMOVED = CurrentLabels((), ("Bug",))
DEMOTED = CurrentLabels(demoted=("bug",))
WITHHELD = CurrentLabels(withheld=("bug",))


@pytest.mark.parametrize(
    ("present", "choices", "expected"),
    [
        (NONE, chosen(("Bug", "sure"), ("Task", "sure")), (["Bug"], [], [], [])),
        (NONE, chosen(("Task", "unsure"), ("Bug", "likely")), (["Bug"], [], [], [])),
        (NONE, chosen(("Task", "unsure"), ("Bug", "unsure")), ([], ["Task"], [], [])),
        (NONE, [], ([], [], [], [])),
        (OURS, chosen(("Bug", "sure")), ([], [], ["Bug"], [])),
        (OURS, chosen(("Task", "sure")), ([], [], [], [])),
        (REPLACEABLE, chosen(("Task", "sure")), (["Task"], [], [], ["Bug"])),
        (REPLACEABLE, chosen(("Bug", "sure")), ([], [], ["Bug"], [])),
        (REPLACEABLE, [], ([], [], [], ["Bug"])),
        (BY_PERSON, chosen(("Task", "sure")), ([], [], [], [])),
        (REMOVED, chosen(("Task", "sure")), ([], [], [], [])),
        (DEMOTED, chosen(("Bug", "sure")), ([], ["Bug"], [], [])),
        (WITHHELD, chosen(("Bug", "sure")), (["Bug"], [], [], [])),
        (WITHHELD, chosen(("Bug", "unsure")), ([], [], [], [])),
        (WITHHELD, chosen(("Bug", "unsure"), ("Task", "unsure")), ([], ["Task"], [], [])),
    ],
)
def test_at_most_one_type_is_set_and_a_person_s_stays(
    present: CurrentLabels, choices: list[LabelSuggestion], expected: tuple[list[str], ...]
) -> None:
    assert shown(decide_type(choices, present)) == expected


def test_no_type_is_set_where_a_label_says_it() -> None:
    decision = decide_type(chosen(("Bug", "sure")), NONE, has_synonym=True)
    assert decision == LabelDecision()


names = st.lists(st.sampled_from(TYPES), unique=True, max_size=3)
choices = st.lists(
    st.builds(
        LabelSuggestion, st.sampled_from(TYPES), st.sampled_from(["sure", "likely", "unsure"])
    ),
    max_size=5,
)


@given(choices, names, names, st.booleans(), st.booleans())
def test_never_more_than_one_and_never_over_a_person(
    given_choices: list[LabelSuggestion],
    present: list[str],
    removed: list[str],
    is_ours: bool,
    has_synonym: bool,
) -> None:
    present = present[:1]
    ours = tuple(present) if is_ours else ()
    current = CurrentLabels(tuple(present), tuple(removed), ours, ours)
    decision = decide_type(given_choices, current, has_synonym=has_synonym)
    assert len(decision.apply) + len(decision.suggested) + len(decision.keep) <= 1
    if (present and not is_ours) or removed or has_synonym:
        assert not decision.apply
        assert not decision.remove
        assert not decision.suggested
