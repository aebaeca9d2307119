"""When labels are only suggested because people kept too few of a repository's labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.corrections import Correction, Verdict
from bot.core.demotions import find_change
from bot.core.journal import Write
from bot.core.mode_limit import ModeLimit, find_mode_limit, list_unjudged_issues

CONFIG, OTHER = "d1", "d2"
PRECISION = 0.9


def judge(kept: int, removed: int, *, first: int = 1, config: str = CONFIG) -> list[Correction]:
    """Return verdicts on labels of as many issues: first those that were kept."""
    verdicts: list[Verdict] = [*["kept"] * kept, *["removed"] * removed]  # type: ignore[list-item]
    return [
        Correction(number, "bug", verdict, float(number), "model", "sure", config)
        for number, verdict in enumerate(verdicts, first)
    ]


def resume(at: float, label: str = "") -> Correction:
    return Correction(0, label, "resumed", at, config=CONFIG)


LIMITS = [
    (judge(35, 15), None),  # 70 %, the lowest share that is enough
    (judge(34, 16), ModeLimit(50, 1, 34)),
    (judge(0, 49), None),  # too few to judge by
    (judge(200, 15), None),  # only the last 50 count
    (judge(200, 16), ModeLimit(216, 167, 34)),
    (judge(34, 16, config=OTHER), None),
    # What people keep afterwards does not end it.
    ([*judge(34, 16), *judge(50, 0, first=100)], ModeLimit(50, 1, 34)),
    # A person ends it, and what was judged before does not count any more.
    ([*judge(34, 16), resume(60)], None),
    ([*judge(34, 16), resume(60), *judge(0, 49, first=100)], None),
    ([*judge(34, 16), resume(60), *judge(0, 50, first=100)], ModeLimit(149, 100, 0, 50, 60)),
    # One demoted label that is applied again says nothing of the others.
    ([*judge(34, 16), resume(60, "bug")], ModeLimit(50, 1, 34)),
    # Another configuration, and back.
    ([*judge(34, 16), *judge(1, 0, first=70, config=OTHER), *judge(1, 0, first=80)], None),
    # The issues' last verdicts count, and a label that a person sets again is not judged.
    ([*judge(34, 15), *judge(0, 1), *judge(0, 15, first=35)], None),
    ([*judge(35, 14), Correction(49, "Bug", "added", 50.0, "model", "", CONFIG)], None),
]


@pytest.mark.parametrize(("corrections", "limit"), LIMITS)
def test_labels_are_only_suggested_once_people_kept_too_few(
    corrections: list[Correction], limit: ModeLimit | None
) -> None:
    assert find_mode_limit(corrections, CONFIG, PRECISION) == limit


def test_the_precision_that_a_repository_asks_for_sets_the_share() -> None:
    assert find_mode_limit(judge(34, 16), CONFIG, 0.88) is None
    assert find_mode_limit(judge(39, 11), CONFIG, 1.0)
    assert find_mode_limit(judge(14, 36), CONFIG, 0.5)
    assert find_mode_limit(judge(15, 35), CONFIG, 0.5) is None


def test_what_people_did_with_suggestions_and_their_own_labels_is_not_judged() -> None:
    verdicts: list[Verdict] = ["added", "dismissed", "approved"]
    others = [
        Correction(number, "docs", verdict, float(number), "model", "", CONFIG)
        for number in range(1, 60)
        for verdict in verdicts
    ]
    assert find_mode_limit([*judge(50, 0), *others], CONFIG, PRECISION) is None
    assert find_mode_limit(others, CONFIG, PRECISION) is None


@given(st.lists(st.sampled_from(["kept", "removed", "added"]), max_size=120), st.integers(0, 119))
def test_a_limit_begins_once_and_stays(verdicts: list[Verdict], end: int) -> None:
    corrections = [
        Correction(number % 70, "bug", verdict, float(number), "model", "", CONFIG)
        for number, verdict in enumerate(verdicts, 1)
    ]
    early = find_mode_limit(corrections[:end], CONFIG, PRECISION)
    assert early is None or find_mode_limit(corrections, CONFIG, PRECISION) == early
    backwards = find_mode_limit(reversed(corrections), CONFIG, PRECISION)
    assert backwards == find_mode_limit(corrections, CONFIG, PRECISION)


def test_a_configuration_that_is_changed_and_changed_back_ends_it() -> None:
    corrections = judge(34, 16)
    assert find_change(corrections, CONFIG) is None
    change = find_change(corrections, OTHER)
    assert change
    assert find_mode_limit([*corrections, change], OTHER, PRECISION) is None
    back = find_change([*corrections, change], CONFIG)
    assert back is None, "nothing is left that could return"
    assert find_mode_limit([*corrections, change], CONFIG, PRECISION) is None
    assert find_change(judge(50, 0), OTHER) is None


def done(label: str, at: float) -> Write:
    return Write(f"{label}{at}", "add-label", label, state="done", at=at)


def test_the_issues_to_look_at_are_those_of_the_same_time_that_nobody_judged() -> None:
    corrections = judge(34, 16)
    limit = find_mode_limit(corrections, CONFIG, PRECISION)
    assert limit
    journal = [
        (20, [done("bug", 0.5), done("docs", 0.5)]),  # judged, but one of its labels is not
        (70, [done("bug", 3.0)]),
        (71, [done("Bug", 2.0), done("docs", 2.5)]),
        (72, [done("bug", 0.1)]),  # set before those that were judged
        (73, [replace(done("bug", 4.0), state="refused")]),
    ]
    found = list_unjudged_issues(limit, journal, corrections)
    assert [(number, [*labels]) for number, labels in found] == [
        (70, ["bug"]),
        (71, ["bug", "docs"]),
        (20, ["docs"]),
    ]
