"""Costs of model calls by a table of list prices, and the limits of spending."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

PRICES = Path(__file__).with_name("prices.json")
# Of the list price, in a batch: https://platform.openai.com/docs/guides/batch and
# https://docs.anthropic.com/en/docs/build-with-claude/batch-processing
BATCH_FACTOR = 0.5
# Sums of dollars are counted in whole microdollars, so that they stay exact.
MICRO = 1_000_000
UNLIMITED = 2**53  # microdollars: a limit that no amount reaches


def to_microdollars(usd: float | None) -> int:
    """Return an amount in microdollars, `UNLIMITED` for None."""
    return UNLIMITED if usd is None else round(usd * MICRO)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits per day in US dollars, in total (None: no limit) and for a repository.

    `author_per_hour` counts model calls for the issues of one author.
    """

    day_usd: float | None
    repository_usd: float
    author_per_hour: int


@cache
def _load_prices() -> dict[str, tuple[float, float]]:
    return msgspec.json.decode(PRICES.read_bytes(), type=dict[str, tuple[float, float]])


def cost_usd(model: str, tokens_in: int, tokens_out: int) -> float | None:
    """Return the cost of one call in US dollars, or None for a model without a price.

    `prices.json` has dollars per million input and output tokens, from the genai-prices data set.
    """
    if (price := _find_price(model)) is None:
        return None
    return (tokens_in * price[0] + tokens_out * price[1]) / 1_000_000


@cache
def _find_price(model: str) -> tuple[float, float] | None:
    """Return the price of the longest name that the model's, perhaps dated, name starts with.

    A fine-tuned model (`ft:BASE:ORGANISATION::ID`) has the price of its base.
    """
    table = _load_prices()
    name = model.rsplit("/", 1)[-1].lower()
    name = name.split(":")[1] if name.startswith("ft:") else name
    known = [key for key in table if name == key or name.startswith(f"{key}-")]
    return table[max(known, key=len)] if known else None
