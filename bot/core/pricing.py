"""What a model call costs, from a table of list prices, and what may be spent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

PRICES = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, slots=True)
class Limits:
    """US dollars a day in all (None = no limit) and for a repository; calls an author and hour."""

    day_usd: float | None
    repository_usd: float
    author_per_hour: int


@cache
def _table() -> dict[str, tuple[float, float]]:
    return msgspec.json.decode(PRICES.read_bytes(), type=dict[str, tuple[float, float]])


def cost_usd(model: str, tokens_in: int, tokens_out: int) -> float | None:
    """US dollars for one call, or None where the table has no price for the model.

    The table gives dollars per million tokens, input and output, from the genai-prices data set.
    A dated name such as `claude-haiku-4-5-20251001` is found by its longest known beginning.
    """
    price = _price(model)
    if price is None:
        return None
    price_in, price_out = price
    return (tokens_in * price_in + tokens_out * price_out) / 1_000_000


@cache
def _price(model: str) -> tuple[float, float] | None:
    table = _table()
    name = model.rsplit("/", 1)[-1].lower()
    known = [key for key in table if name == key or name.startswith(f"{key}-")]
    return table[max(known, key=len)] if known else None
