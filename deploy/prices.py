"""Developer command: write bot/core/prices.json from the genai-prices data set (`make prices`)."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from genai_prices import data

TARGET = Path(__file__).parent.parent / "bot" / "core" / "prices.json"
PROVIDERS = ("openai", "anthropic", "google", "mistral", "deepseek", "groq", "x-ai")


def base(price: Any) -> float | None:
    """The list price of a short request, in dollars per million tokens."""
    value = getattr(price, "base", price)
    return float(value) if isinstance(value, Decimal) else None


def current(prices: Any) -> Any:
    """The price without further conditions where a model has several."""
    if not isinstance(prices, list):
        return prices
    return next((p.prices for p in reversed(prices) if p.constraint is None), prices[-1].prices)


def main() -> None:
    table: dict[str, tuple[float, float]] = {}
    for provider in (p for p in data.providers if p.id in PROVIDERS):
        for model in provider.models:
            prices = current(model.prices)
            pair = base(prices.input_mtok), base(prices.output_mtok)
            if pair[0] is not None and pair[1] is not None:
                table.setdefault(model.id.lower(), (pair[0], pair[1]))
    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(table.items()))
    TARGET.write_text("{\n" + rows + "\n}\n")


if __name__ == "__main__":
    main()
