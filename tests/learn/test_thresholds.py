"""From which probability a label is applied, and how probabilities come from scores."""

from __future__ import annotations

import pytest

from bot.learn.calibration import (
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
