"""What a call costs; None where no price is known, never a guess of zero."""

from __future__ import annotations

import pytest

from bot.core.pricing import PRICES, cost_usd
from bot.settings.models import DEFAULT_MODELS

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("model", "tokens_in", "tokens_out", "dollars"),
    [
        ("gpt-4o-mini", MILLION, 0, 0.15),
        ("gpt-4o-mini", 0, MILLION, 0.6),
        ("gpt-4o-mini", 1000, 100, 0.00021),
        ("gpt-4o-mini", 0, 0, 0.0),
        ("claude-3-5-haiku", MILLION, MILLION, 4.8),
    ],
)
def test_a_call_costs_its_tokens_in_and_out(
    model: str, tokens_in: int, tokens_out: int, dollars: float
) -> None:
    assert cost_usd(model, tokens_in, tokens_out) == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("named", "known"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku"),
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("GPT-4o-mini", "gpt-4o-mini"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc123", "gpt-4o-mini"),
    ],
)
def test_a_dated_or_prefixed_name_has_the_price_of_its_model(named: str, known: str) -> None:
    price = cost_usd(known, MILLION, MILLION)
    assert price is not None
    assert cost_usd(named, MILLION, MILLION) == price


@pytest.mark.parametrize(
    "model", ["", "sandbox-rules", "gpt-4omnibus", "gpt", "llama3.2:3b", "ft:"]
)
def test_without_a_known_price_the_cost_is_not_known(model: str) -> None:
    assert cost_usd(model, MILLION, MILLION) is None


@pytest.mark.parametrize("model", DEFAULT_MODELS.values())
def test_the_default_models_have_a_price(model: str) -> None:
    assert cost_usd(model, MILLION, MILLION)


def test_the_table_of_prices_is_small() -> None:
    assert PRICES.stat().st_size < 64 * 1024
