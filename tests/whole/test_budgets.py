"""Budgets on the whole way: over budget is a fallback, never an error."""

from __future__ import annotations

from bot.core.pricing import cost_usd
from tests.whole.app import BODY, App
from tests.whole.conftest import Build


def test_an_author_s_third_issue_within_the_hour_gets_labels_from_rules(house: App) -> None:
    house.configure("budget: {per_author_per_hour: 2}")
    numbers = [house.issue(body=f"{BODY} Number {n}.") for n in range(3)]
    assert [len(house.comments(number)) for number in numbers] == [1, 1, 0]
    assert all("bug" in house.labels(number) for number in numbers)
    (fallback,) = house.events("using fallback")
    assert fallback["why"] == "over-budget-author"
    assert not [event for event in house.events() if event["level"] == "error"]


def test_a_person_with_write_access_has_no_limit_of_their_own(house: App) -> None:
    house.configure("budget: {per_author_per_hour: 1}")
    numbers = [house.issue(body=f"{BODY} Number {n}.", author="maintainer") for n in range(3)]
    assert [len(house.comments(number)) for number in numbers] == [1, 1, 1]


def test_a_model_that_the_repository_chose_is_asked_named_and_priced(build: Build) -> None:
    choice = {"LLM_MODEL": "gpt-6-luna", "TAGLINE_ALLOWED_MODELS": "gpt-4o-mini"}
    with build(**choice).open() as house:
        house.configure("model: {name: gpt-4o-mini}")
        number = house.issue()
        assert "Written by Tagline with `gpt-4o-mini`" in house.comments(number)[0].body
        (said,) = house.events("enrichment succeeded")
        assert said["model"] == "gpt-4o-mini"
        assert said["cost_usd"] == cost_usd("gpt-4o-mini", said["tokens_in"], said["tokens_out"])


def test_a_day_s_budget_of_nothing_means_rules_only(build: Build) -> None:
    with build(TAGLINE_BUDGET_USD_PER_DAY="0", LLM_MODEL="gpt-6-luna").open() as house:
        number = house.issue()
        assert house.labels(number) == ["bug", "needs-review"]
        (fallback,) = house.events("using fallback")
        assert fallback["why"] == "over-budget-day"


def test_an_issue_with_the_very_same_text_is_answered_without_asking_again(house: App) -> None:
    first, second = house.issue(), house.issue()
    one, other = house.comments(first)[0].body, house.comments(second)[0].body
    assert one.splitlines()[0] == other.splitlines()[0]
    assert house.labels(first) == house.labels(second)
    tokens = [event["tokens_in"] for event in house.events("enrichment succeeded")]
    assert tokens[0] > 0
    assert tokens[1] == 0
