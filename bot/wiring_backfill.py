"""Builds what `tagline backfill` runs from settings, as `wiring` builds the rest."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bot import wiring
from bot.flow.process import process
from bot.flow.retry_fallbacks import FallbackRetries
from bot.llm.anthropic_batches import AnthropicBatches
from bot.llm.batches import BatchClient
from bot.llm.client import ModelClient
from bot.llm.openai_batches import OpenAIBatches
from bot.llm.service import RemoteModelService
from bot.settings.reload import ReloadingSettings
from bot.store.no_store import NoRetrySchedule, NoStore, ReadOnlyStore
from bot.wiring_jobs import job_contexts, make_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.core.ports import ModelService
    from bot.core.types import Job
    from bot.flow.plan import Outcome
    from bot.http import ClientPool
    from bot.settings.load import Settings
    from bot.store.redis import RedisStore

BATCH_CLIENTS: dict[str, Callable[[ClientPool, ModelClient], BatchClient]] = {
    "openai": OpenAIBatches,
    "anthropic": AnthropicBatches,
}


def backfill_runner(
    settings: Settings,
    clients: ClientPool,
    store: RedisStore | NoStore,
    models: dict[str, ModelService],
    *,
    labels_only: bool,
    closed_too: bool,
) -> Callable[[Job, int], Outcome]:
    """Return the handler that labels an issue of the past.

    No retry is scheduled: a worker would write a comment. `labels_only` and `closed_too` as in
    `JobContext`.
    """
    latest = ReloadingSettings(settings)
    retries = FallbackRetries(NoRetrySchedule(), store, [], time.time)
    forge = wiring.forges(latest, clients)
    contexts = job_contexts(settings, store, forge, lambda: models, retries)
    keeps_records = not isinstance(store, NoStore) or isinstance(store, ReadOnlyStore)
    return make_handler(
        process,
        lambda job: replace(
            contexts(job),
            keeps_records=keeps_records,
            labels_only=labels_only,
            closed_too=closed_too,
            searches=False,
        ),
    )


def batch_client(service: ModelService, clients: ClientPool, provider: str) -> BatchClient | None:
    """Return the batches of a service's first model, None where its vendor has none."""
    if provider not in BATCH_CLIENTS or not isinstance(service, RemoteModelService):
        return None
    model = service.providers[0].model
    if not isinstance(model, ModelClient):
        return None
    return BATCH_CLIENTS[provider](clients, model)
