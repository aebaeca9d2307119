"""The report of `tagline preview` for the pages of `tagline action` and of `tagline setup`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.cli.batch import open_models
from bot.cli.comparison import ComparisonOptions, compare_recent
from bot.cli.preview import MAX_USD
from bot.cli.preview_report import build_report
from bot.core.config import parser
from bot.core.types import IssueRef
from bot.flow.load_config import choose_model
from bot.forges.registry import ForgeClient
from bot.http import ClientPool
from bot.settings.load import Settings


def build_preview(
    forge: ForgeClient,
    ref: IssueRef,
    settings: Settings,
    clients: ClientPool,
    *,
    limit: int,
    since: float = 0.0,
) -> Mapping[str, Any]:
    """Return the report about the newest issues since a time, by the configured model.

    Raises as `compare_recent`.
    """
    models = open_models(settings, clients)
    text = forge.get_config_text(ref)
    config = parser.restrict_models(parser.read(text), models).config
    name = choose_model(config, models)
    budget = settings.budget_usd_per_day
    options = ComparisonOptions(
        limit=limit,
        since=since,
        model=models.get(name),
        model_name=name,
        max_usd=MAX_USD if budget is None else min(MAX_USD, budget),
    )
    return build_report(compare_recent(forge, ref, config, options))
