"""When a repository's comments stop to name older issues, and when they begin again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bot.core.related import RelatedFeedback, RelatedVerdict, count_feedback, find_resumption

A, B = "config-a", "config-b"


def verdicts(
    confirmed: int, corrected: int, config: str = A, at: float = 0.0, first: int = 1
) -> list[RelatedVerdict]:
    """Return verdicts on different issues, one a second, the confirmed ones first."""
    words = ["confirmed"] * confirmed + ["corrected"] * corrected
    return [
        RelatedVerdict(first + n, word, at + n, config)  # type: ignore[arg-type]
        for n, word in enumerate(words)
    ]


def is_quiet(found: Iterable[RelatedVerdict], config: str = A) -> bool:
    return count_feedback(found, config).quiet_since is not None


@pytest.mark.parametrize(
    ("confirmed", "corrected", "quiet"),
    [(0, 19, False), (0, 20, True), (6, 14, True), (7, 13, False), (6, 13, False), (7, 14, False)],
)
def test_twenty_verdicts_with_under_a_third_confirmed_make_it_quiet(
    confirmed: int, corrected: int, quiet: bool
) -> None:
    assert is_quiet(verdicts(confirmed, corrected)) == quiet


def test_it_is_quiet_since_the_verdict_that_was_one_too_many_and_stays_so() -> None:
    found = verdicts(6, 14)
    assert count_feedback(found, A) == RelatedFeedback(6, 14, 19.0)
    later = [*found, *verdicts(30, 0, at=100, first=100)]
    assert count_feedback(later, A) == RelatedFeedback(36, 14, 19.0)


def test_the_latest_verdict_on_an_issue_counts_once() -> None:
    found = [RelatedVerdict(1, "corrected", n, A) for n in range(30)]
    assert count_feedback(found, A) == RelatedFeedback(0, 1)
    changed = [*found, RelatedVerdict(1, "confirmed", 99.0, A)]
    assert count_feedback(reversed(changed), A) == RelatedFeedback(1, 0)


def test_resumed_and_another_configuration_start_again() -> None:
    found = verdicts(0, 25)
    assert is_quiet(found)
    resumed = RelatedVerdict(0, "resumed", 50.0)
    assert count_feedback([*found, resumed], A) == RelatedFeedback()
    more = verdicts(0, 19, at=60, first=60)
    assert count_feedback([*found, resumed, *more], A) == RelatedFeedback(0, 19)
    assert count_feedback(found, B) == RelatedFeedback()


def test_a_configuration_that_is_changed_and_changed_back_is_no_reason_to_be_quiet() -> None:
    found = verdicts(0, 25)
    assert find_resumption([], A) is None
    assert find_resumption(found, A) is None
    assert find_resumption(found[:10], B) is None, "it was not quiet"
    change = find_resumption(found, B)
    assert change
    assert (change.verdict, change.config) == ("resumed", B)
    assert change.at > found[-1].at
    assert find_resumption([*found, change], B) is None
    assert find_resumption([*found, change], A) is None
    assert not is_quiet([*found, change], A)
    back = [*found, replace(found[0], number=99, at=99.0, config=B)]
    assert not is_quiet(back, A), "a verdict under the other one shows the change too"


def test_the_share_is_of_all_verdicts() -> None:
    assert RelatedFeedback().confirmed_share is None
    assert RelatedFeedback(1, 3).confirmed_share == 0.25
