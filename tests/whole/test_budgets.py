"""Over budget an issue is labelled by rules, without an error."""

from __future__ import annotations

from bot.core.pricing import cost_usd
from tests.whole.app import TITLE, App, Build


def test_an_author_s_third_issue_within_the_hour_gets_labels_from_rules(app: App) -> None:
    app.configure("budget: {per_author_per_hour: 2}")
    numbers = [app.issue(f"{TITLE}, part {n}") for n in range(3)]
    assert [len(app.comments(number)) for number in numbers] == [1, 1, 0]
    assert all("bug" in app.labels(number) for number in numbers)
    (fallback,) = app.events("using fallback")
    assert fallback["why"] == "over-budget-author"
    assert not [event for event in app.events() if event["level"] == "error"]


def test_a_model_that_the_repository_chose_is_used_named_and_priced(build: Build) -> None:
    models = {"LLM_MODEL": "gpt-6-luna", "TAGLINE_ALLOWED_MODELS": "gpt-4o-mini"}
    with build(**models).open() as app:
        app.configure("model: {name: gpt-4o-mini}")
        number = app.issue()
        assert "Written by Tagline with `gpt-4o-mini`" in app.comments(number)[0].body
        (event,) = app.events("enrichment succeeded")
        assert event["model"] == "gpt-4o-mini"
        assert event["cost_usd"] == cost_usd("gpt-4o-mini", event["tokens_in"], event["tokens_out"])


def test_a_daily_budget_of_zero_means_rules_only(build: Build) -> None:
    with build(TAGLINE_BUDGET_USD_PER_DAY="0", LLM_MODEL="gpt-6-luna").open() as app:
        number = app.issue()
        assert app.labels(number) == ["bug", "needs-review"]
        (fallback,) = app.events("using fallback")
        assert fallback["why"] == "over-budget-day"


def test_an_issue_with_the_same_text_is_answered_from_the_cache(app: App) -> None:
    first, second = app.issue(), app.issue()
    bodies = [app.comments(number)[0].body for number in (first, second)]
    assert bodies[0].splitlines()[0] == bodies[1].splitlines()[0]
    assert app.labels(first) == app.labels(second)
    tokens = [event["tokens_in"] for event in app.events("enrichment succeeded")]
    assert tokens[0] > 0 == tokens[1]
