"""Budgets on the whole way: over budget is a fallback, never an error."""

from __future__ import annotations

from tests.whole.conftest import Build
from tests.whole.house import House


def test_an_author_s_third_issue_within_the_hour_gets_labels_from_rules(house: House) -> None:
    house.configure("budget: {per_author_per_hour: 2}")
    numbers = [house.issue() for _ in range(3)]
    assert [len(house.comments(number)) for number in numbers] == [1, 1, 0]
    assert all("bug" in house.labels(number) for number in numbers)
    (fallback,) = house.events("using fallback")
    assert fallback["why"] == "over-budget-author"
    assert not [event for event in house.events() if event["level"] == "error"]


def test_a_person_with_write_access_has_no_limit_of_their_own(house: House) -> None:
    house.configure("budget: {per_author_per_hour: 1}")
    numbers = [house.issue(author="maintainer") for _ in range(3)]
    assert [len(house.comments(number)) for number in numbers] == [1, 1, 1]


def test_a_day_s_budget_of_nothing_means_rules_only(build: Build) -> None:
    with build(TAGLINE_BUDGET_USD_PER_DAY="0", LLM_MODEL="gpt-6-luna").open() as house:
        number = house.issue()
        assert house.labels(number) == ["bug", "needs-review"]
        (fallback,) = house.events("using fallback")
        assert fallback["why"] == "over-budget-day"
