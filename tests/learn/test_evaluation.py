"""How sure the figures of predictions are: intervals by resamples, and where these show nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.learn.calibration import find_interval
from bot.learn.evaluation import Figure, Share, estimate_share
from tests.accuracy.measures import estimate, estimate_mean


def count(outcomes: Sequence[bool | None]) -> Share:
    """Return how many are right; None is none of them."""
    known = [one for one in outcomes if one is not None]
    return Share(sum(known), len(known))


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        (3, 3, 0.438, 1.0),
        (0, 3, 0.0, 0.562),
        (1, 1, 0.207, 1.0),
        (60, 60, 0.940, 1.0),
        (8, 10, 0.490, 0.943),  # as in tables of Wilson's interval
    ],
)
def test_the_interval_of_a_share_is_wilson_s(
    right: int, total: int, low: float, high: float
) -> None:
    interval = find_interval(right, total)
    assert [*interval] == pytest.approx([low, high], abs=0.001)


@pytest.mark.parametrize("outcomes", [[True] * 3, [True, None, None], [False] * 3])
def test_few_outcomes_that_are_all_the_same_have_a_wide_interval(
    outcomes: list[bool | None],
) -> None:
    share, figure = count(outcomes), estimate_share(outcomes, count)
    assert figure is not None
    assert (figure.low, figure.high) == find_interval(share.right, share.total)
    assert figure.value in (figure.low, figure.high)
    assert figure.high - figure.low > 0.4


def test_outcomes_that_differ_have_the_interval_of_their_resamples() -> None:
    figure = estimate_share([True] * 80 + [False] * 20, count)
    assert figure is not None
    assert figure.value == 0.8
    assert figure.low == pytest.approx(0.72, abs=0.02)
    assert figure.high == pytest.approx(0.88, abs=0.02)


@pytest.mark.parametrize("outcomes", [[], [None, None]])
def test_a_share_of_nothing_has_no_figure(outcomes: list[bool | None]) -> None:
    assert estimate_share(outcomes, count) is None


def test_a_mean_over_groups_draws_within_each_of_them() -> None:
    def mean(numbers: Sequence[float]) -> float:
        return sum(numbers) / len(numbers)

    assert estimate_mean([[0.0] * 3, [1.0] * 9], mean) == Figure(0.5, 0.5, 0.5)
    first = estimate([0.0, 1.0] * 50, mean)
    assert first == estimate([0.0, 1.0] * 50, mean)
    assert first.low < 0.45
    assert first.high > 0.55
