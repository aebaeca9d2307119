"""From which probability a label is applied, and how probabilities come from scores."""

from __future__ import annotations

import pytest

from bot.learn.calibration import (
    Counts,
    Outcome,
    ProbableOutcome,
    calibrate_all,
    find_lower_bound,
    find_threshold,
    find_upper_bound,
)


@pytest.mark.parametrize(
    ("right", "total", "reaches"),
    [(7, 7, True), (6, 6, False), (20, 22, False), (38, 40, True), (0, 0, False), (0, 5, False)],
)
def test_seven_of_seven_are_enough_for_ninety_percent(
    right: int, total: int, reaches: bool
) -> None:
    assert (find_lower_bound(right, total) >= 0.9) is reaches


def test_the_bounds_are_on_both_sides_of_the_share() -> None:
    assert find_lower_bound(8, 10) < 0.8 < find_upper_bound(8, 10)
    assert find_upper_bound(0, 0) == 1.0


def make_outcomes(*runs: tuple[float, int, int]) -> list[ProbableOutcome]:
    """Return outcomes of (probability, right ones, wrong ones)."""
    return [
        (probability, n < right) for probability, right, wrong in runs for n in range(right + wrong)
    ]


def test_the_threshold_is_the_lowest_that_reaches_the_target() -> None:
    held_out = make_outcomes((0.95, 20, 0), (0.9, 20, 1), (0.8, 5, 5), (0.1, 2, 100))

    threshold = find_threshold(held_out, (), target=0.9)

    assert threshold is not None
    assert 0.8 < threshold.at < 0.9
    assert threshold.precision == pytest.approx(40 / 41)
    assert threshold.coverage == pytest.approx(40 / 47)


def test_a_label_with_too_little_evidence_has_no_threshold() -> None:
    assert find_threshold(make_outcomes((0.99, 6, 0)), (), target=0.9) is None
    assert find_threshold(make_outcomes((0.99, 7, 0)), (), target=0.9) is not None


@pytest.mark.parametrize(
    ("own", "others", "applies"),
    [
        ([(0.95, 3, 0)], [(0.95, 19, 1)], True),
        ([(0.95, 3, 0)], [(0.95, 16, 4)], False),  # the probabilities promise too much
        ([(0.95, 3, 0)], [(0.95, 6, 0)], False),
        ([(0.95, 2, 0)], [(0.95, 19, 1)], False),
        ([(0.95, 3, 4)], [(0.95, 90, 1)], False),  # its own cases contradict
        ([(0.84, 3, 0)], [(0.84, 19, 1)], False),  # not probable enough without a proof
    ],
)
def test_where_a_label_has_few_cases_those_of_all_labels_count_too(
    own: list[tuple[float, int, int]], others: list[tuple[float, int, int]], *, applies: bool
) -> None:
    together = Counts(make_outcomes(*others))

    threshold = find_threshold(make_outcomes(*own), (), target=0.9, together=together)

    assert (threshold is not None) is applies


def test_less_probable_labels_are_applied_only_by_a_proof_of_their_own() -> None:
    together = Counts(make_outcomes((0.95, 100, 0), (0.82, 100, 0)))
    few, many = make_outcomes((0.95, 3, 0), (0.82, 3, 0)), make_outcomes((0.95, 9, 0), (0.82, 9, 0))

    held, proven = (find_threshold(x, (), target=0.9, together=together) for x in (few, many))

    assert held is not None
    assert proven is not None
    assert held.at >= 0.85
    assert 0.8 <= proven.at <= 0.82


def test_the_newest_issues_veto_what_all_labels_promise() -> None:
    together = Counts(make_outcomes((0.95, 100, 0)))

    newest = make_outcomes((0.95, 1, 4))

    assert find_threshold(make_outcomes((0.95, 3, 0)), newest, 0.9, together) is None


def test_the_newest_issues_raise_the_threshold_or_veto_it() -> None:
    held_out = make_outcomes((0.95, 20, 0), (0.85, 20, 0))

    raised = find_threshold(held_out, make_outcomes((0.95, 4, 0), (0.85, 1, 4)), target=0.9)
    vetoed = find_threshold(held_out, make_outcomes((0.95, 1, 4)), target=0.9)

    assert raised is not None
    assert raised.at == pytest.approx(0.9)
    assert vetoed is None


def test_an_improbable_label_is_not_applied_however_right_the_probable_ones_are() -> None:
    threshold = find_threshold(make_outcomes((0.99, 500, 0), (0.5, 10, 10)), (), target=0.9)

    assert threshold is not None
    assert threshold.at > 0.5


def test_probabilities_are_as_frequent_as_they_say() -> None:
    outcomes = [
        Outcome(score, 0.0, n < right)
        for score, right in ((-1.0, 5), (0.0, 50), (1.0, 95))
        for n in range(100)
    ]

    (calibration,) = calibrate_all([outcomes])

    shares = [calibration.to_probability(score, 0.0) for score in (-1.0, 0.0, 1.0)]
    assert shares == pytest.approx([0.05, 0.5, 0.95], abs=0.02)


def test_a_strong_rival_makes_a_label_less_probable() -> None:
    outcomes = [
        Outcome(1.0, rival, n < right)
        for rival, right in ((-1.0, 95), (1.0, 30))
        for n in range(100)
    ]

    (calibration,) = calibrate_all([outcomes])

    assert calibration.to_probability(1.0, -1.0) > 0.8 > calibration.to_probability(1.0, 1.0)
