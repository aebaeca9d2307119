"""Budgets on the whole way: over budget is a fallback, never an error."""

from __future__ import annotations

from bot.core.pricing import cost_usd
from tests.whole.app import BODY, App
from tests.whole.conftest import Build


def test_an_author_s_third_issue_within_the_hour_gets_labels_from_rules(app: App) -> None:
    app.configure("budget: {per_author_per_hour: 2}")
    numbers = [app.issue(body=f"{BODY} Number {n}.") for n in range(3)]
    assert [len(app.comments(number)) for number in numbers] == [1, 1, 0]
    assert all("bug" in app.labels(number) for number in numbers)
    (fallback,) = app.events("using fallback")
    assert fallback["why"] == "over-budget-author"
    assert not [event for event in app.events() if event["level"] == "error"]


def test_a_person_with_write_access_has_no_limit_of_their_own(app: App) -> None:
    app.configure("budget: {per_author_per_hour: 1}")
    numbers = [app.issue(body=f"{BODY} Number {n}.", author="maintainer") for n in range(3)]
    assert [len(app.comments(number)) for number in numbers] == [1, 1, 1]


def test_a_model_that_the_repository_chose_is_asked_named_and_priced(build: Build) -> None:
    choice = {"LLM_MODEL": "gpt-6-luna", "TAGLINE_ALLOWED_MODELS": "gpt-4o-mini"}
    with build(**choice).open() as app:
        app.configure("model: {name: gpt-4o-mini}")
        number = app.issue()
        assert "Written by Tagline with `gpt-4o-mini`" in app.comments(number)[0].body
        (said,) = app.events("enrichment succeeded")
        assert said["model"] == "gpt-4o-mini"
        assert said["cost_usd"] == cost_usd("gpt-4o-mini", said["tokens_in"], said["tokens_out"])


def test_a_day_s_budget_of_nothing_means_rules_only(build: Build) -> None:
    with build(TAGLINE_BUDGET_USD_PER_DAY="0", LLM_MODEL="gpt-6-luna").open() as app:
        number = app.issue()
        assert app.labels(number) == ["bug", "needs-review"]
        (fallback,) = app.events("using fallback")
        assert fallback["why"] == "over-budget-day"


def test_an_issue_with_the_very_same_text_is_answered_without_asking_again(app: App) -> None:
    first, second = app.issue(), app.issue()
    one, other = app.comments(first)[0].body, app.comments(second)[0].body
    assert one.splitlines()[0] == other.splitlines()[0]
    assert app.labels(first) == app.labels(second)
    tokens = [event["tokens_in"] for event in app.events("enrichment succeeded")]
    assert tokens[0] > 0
    assert tokens[1] == 0
