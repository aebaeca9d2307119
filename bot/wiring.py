"""Build from settings what the web application, the worker and the commands are made of.

No package below names a concrete class of another; `forges/registry.py` names those of the forges.

What a part needs is imported where it is built: the receiver loads no client library.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from bot.forges.registry import FORGES

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from starlette.applications import Starlette

    from bot.core.ports import BudgetStore, Metrics, ModelService, WebhookParser
    from bot.core.refs import UrlForm
    from bot.core.types import Job
    from bot.flow.plan import Outcome
    from bot.flow.retry_fallbacks import FallbackRetries
    from bot.forges.registry import ForgeClient, ForgeEntry
    from bot.http import ClientPool
    from bot.llm.client import ModelClient
    from bot.queue.broker import Broker
    from bot.settings.load import Settings
    from bot.settings.models import ModelSettings
    from bot.settings.reload import ReloadingSettings
    from bot.store.metrics import RedisMetrics
    from bot.store.no_store import NoStore
    from bot.store.redis import RedisStore
    from bot.web.pages import SetupRoutes

SPARE_CONNECTIONS = 32  # for consumers, periodic tasks and second connections


def url_forms(settings: Settings) -> list[UrlForm]:
    """Return how each forge writes addresses."""
    return [entry.url_form(settings) for entry in FORGES.values()]


def receiver(settings: Settings) -> Starlette:
    """Return the web application. Raises `SettingsError` without a webhook secret."""
    from bot.settings.reload import ReloadingSettings

    settings.require(webhook_secret=True)
    return receiver_of(ReloadingSettings(settings), receiver_metrics(settings))


def receiver_metrics(settings: Settings) -> Metrics:
    import redis

    client = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
    return metrics(settings, client)


def receiver_of(
    latest: ReloadingSettings, counters: Metrics, setup: SetupRoutes | None = None
) -> Starlette:
    """Return the web application, whose forges are those that have a secret at each request."""
    from bot.queue.enqueue import RedisQueue
    from bot.settings.reload import Rebuilt
    from bot.web.app import create
    from bot.web.pages import OptionalPages

    def parser_of(entry: ForgeEntry) -> Callable[[Settings], WebhookParser | None]:
        return lambda now: entry.webhook_parser(now) if entry.has_webhook_secret(now) else None

    parsers = {name: Rebuilt(latest, parser_of(entry)) for name, entry in FORGES.items()}
    queue = RedisQueue(latest().redis_url)
    optional = OptionalPages(setup)
    if latest().admin_tokens:
        from bot.wiring_admin import admin_pages  # with its templates, for those who use it

        routes, close = admin_pages(latest, counters)
        optional = OptionalPages(setup, routes, close)
    return create(parsers, queue, counters, lambda: latest().metrics_tokens, optional=optional)


def metrics(settings: Settings, client: redis.Redis) -> RedisMetrics:
    """Return the counters behind `/metrics`. Closing them closes the client."""
    from bot.store.metrics import RedisMetrics

    models = settings.model.all if settings.model else ()
    return RedisMetrics(client, [model.breaker for model in models])


def redis_client(settings: Settings) -> redis.Redis:
    from bot.queue.connection import connect

    return connect(settings.redis_url, settings.worker_threads + SPARE_CONNECTIONS)


def redis_store(client: redis.Redis) -> RedisStore:
    from bot.store.redis import RedisStore

    return RedisStore(client)


def no_store() -> NoStore:
    """Return a store that keeps nothing between jobs."""
    from bot.store.no_store import NoStore

    return NoStore()


def clients() -> ClientPool:
    """Return the HTTP clients. Raises `SettingsError` for a proxy that is not supported."""
    from bot.http import ClientPool, UnsupportedProxy
    from bot.settings.load import SettingsError

    try:
        return ClientPool("tagline")
    except UnsupportedProxy as error:
        raise SettingsError([str(error)]) from None


def models(
    settings: ModelSettings | None,
    clients: ClientPool,
    store: RedisStore | NoStore,
    metrics: Metrics | None = None,
    *,
    concurrency: int = 0,
    budgets: BudgetStore | None = None,
) -> dict[str, ModelService]:
    """Return the configured model and those that a repository may choose, by name.

    Each has the same fallbacks. `metrics` count the calls. `concurrency` replaces the limit of
    concurrent calls to each server, `budgets` the store's.
    """
    from bot.llm.breaker import CircuitBreaker
    from bot.llm.service import (
        CHAIN_TIME_FACTOR,
        MAX_CONCURRENT_CALLS,
        Provider,
        RemoteModelService,
    )

    if settings is None:
        return {}
    limits = {
        one.base_url: concurrency or MAX_CONCURRENT_CALLS[one.provider] for one in settings.all
    }
    slots = {url: BoundedSemaphore(limit) for url, limit in limits.items()}
    seconds = settings.timeout * CHAIN_TIME_FACTOR

    def provider(one: ModelSettings) -> Provider:
        breaker = CircuitBreaker(store, one.breaker, one.variables)
        return Provider(model_client(one, clients), breaker, slots[one.base_url], one.timeout)

    fallbacks = [provider(one) for one in settings.fallbacks]

    def service(first: ModelSettings) -> ModelService:
        providers = [provider(first), *fallbacks]
        return RemoteModelService(providers, seconds, store, budgets or store.budgets, metrics)

    return {one.model: service(one) for one in (settings, *settings.allowed)}


def model_client(settings: ModelSettings, clients: ClientPool) -> ModelClient:
    from bot.llm.anthropic import Messages
    from bot.llm.client import ModelClient
    from bot.llm.openai import ChatCompletions
    from bot.llm.protocol import Endpoint, ModelProtocol

    compatible = ChatCompletions(limits=("max_tokens", "max_completion_tokens"), has_bounds=True)
    protocols: dict[str, ModelProtocol] = {
        "openai": ChatCompletions(),
        "anthropic": Messages(),
        "compatible": compatible,
    }
    endpoint = Endpoint(
        base_url=settings.base_url,
        model=settings.model,
        key=settings.key,
        max_output_tokens=settings.max_output_tokens,
        seconds=settings.timeout,
    )
    return ModelClient(clients, protocols[settings.provider], endpoint)


def forges(latest: ReloadingSettings, clients: ClientPool) -> Callable[[str], ForgeClient]:
    """Return a function from a forge's name to its client, made anew when secrets change."""
    from bot.settings.reload import Rebuilt

    current = Rebuilt(latest, lambda now: cache(lambda name: FORGES[name].client(now, clients)))

    def forge(name: str) -> ForgeClient:
        return current()(name)

    return forge


def fallback_retries(settings: Settings, store: RedisStore | NoStore) -> FallbackRetries:
    from bot.flow.retry_fallbacks import FallbackRetries

    first = settings.model
    used = [one.breaker for one in (first, *first.fallbacks)] if first else []
    allowed = [one.breaker for one in first.allowed] if first else []
    return FallbackRetries(store.retry_schedule, store, used, time.time, allowed)


def current_models(
    latest: ReloadingSettings,
    clients: ClientPool,
    store: RedisStore | NoStore,
    metrics: Metrics | None = None,
) -> Callable[[], dict[str, ModelService]]:
    """Return a function that returns `models`, made anew when secrets change."""
    from bot.settings.reload import Rebuilt

    return Rebuilt(latest, lambda now: models(now.model, clients, store, metrics))


def runner(
    settings: Settings,
    clients: ClientPool,
    store: RedisStore | NoStore,
    *,
    keeps_records: bool = True,
    posts: bool = True,
) -> Callable[[Job, int], Outcome]:
    """Return the handler that enriches an issue, with the secrets as they are at each job.

    `keeps_records` and `posts` as in `JobContext`.
    """
    from bot.flow.process import process
    from bot.settings.reload import ReloadingSettings
    from bot.wiring_jobs import job_contexts, make_handler

    latest, retries = ReloadingSettings(settings), fallback_retries(settings, store)
    services = current_models(latest, clients, store)
    contexts = job_contexts(settings, store, forges(latest, clients), services, retries)
    return make_handler(
        process, lambda job: replace(contexts(job), keeps_records=keeps_records, posts=posts)
    )


def broker(
    client: redis.Redis,
    is_paused: Callable[[], bool] = lambda: False,
    *,
    single_host: bool = False,
) -> Broker:
    from bot.queue.broker import HEARTBEAT_MS, SINGLE_HOST_HEARTBEAT_MS, Broker

    heartbeat_ms = SINGLE_HOST_HEARTBEAT_MS if single_host else HEARTBEAT_MS
    return Broker(client, heartbeat_ms, is_paused)
