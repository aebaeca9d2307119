"""Settings → a running web application or worker. The only file that names concrete classes.

What a part needs is imported where it is built: the receiver loads no client library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.core.errors import GiveUp
from bot.core.model import Delivery, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from starlette.applications import Starlette

    from bot.core.ports import Breaker, Model
    from bot.forges.github.api import GitHub
    from bot.http import Clients
    from bot.queue.broker import Broker
    from bot.queue.crew import Crew
    from bot.settings import ModelSettings, Settings
    from bot.store.memory import MemoryStore
    from bot.store.redis import RedisStore

SPARE_CONNECTIONS = 8


def github_host(api_url: str) -> str:
    """The host that people see for an API address."""
    host = urlsplit(api_url).hostname or ""
    return "github.com" if host == "api.github.com" else host


def receiver(settings: Settings) -> Starlette:
    """The web application. Raises `SettingsError` without a webhook secret."""
    from bot.forges.github.inbox import GitHubInbox
    from bot.queue.enqueue import RedisQueue
    from bot.web.app import create

    settings.need_webhook_secret()
    inbox = GitHubInbox(
        settings.github_webhook_secrets,
        github_host(settings.github_api_url),
        needs_installation=not settings.github_token,
    )
    return create({"github": inbox}, RedisQueue(settings.redis_url))


def redis_client(settings: Settings) -> redis.Redis:
    from bot.queue.broker import connect

    return connect(settings.redis_url, settings.worker_threads + SPARE_CONNECTIONS)


def redis_store(client: redis.Redis) -> RedisStore:
    from bot.queue.enqueue import NAMESPACE
    from bot.store.redis import RedisStore

    return RedisStore(client, NAMESPACE)


def any_store(settings: Settings) -> RedisStore | MemoryStore:
    """The workers' store where Redis answers, else one for this process alone."""
    import redis

    from bot.store.memory import MemoryStore

    client = redis_client(settings)
    try:
        client.ping()
    except redis.RedisError:
        return MemoryStore()
    return redis_store(client)


def clients() -> Clients:
    from bot.http import Clients

    return Clients("tagline")


def github(settings: Settings, clients: Clients) -> GitHub:
    """GitHub as an App, with a personal token, or for reading public issues as nobody."""
    from bot.forges.github.api import GitHub
    from bot.forges.github.auth import AppAuth, Auth, NoAuth, TokenAuth
    from bot.forges.github.rest import Rest

    rest = Rest(clients, settings.github_api_url)
    auth: Auth = NoAuth()
    if settings.github_app_id:
        auth = AppAuth(rest, settings.github_app_id, settings.github_private_key)
    elif settings.github_token:
        auth = TokenAuth(rest, settings.github_token)
    return GitHub(rest, auth)


def model(settings: ModelSettings | None, clients: Clients, breaker: Breaker) -> Model | None:
    """The configured model behind its breaker, or None."""
    from bot.llm.anthropic import Messages
    from bot.llm.breaker import Guarded
    from bot.llm.call import RemoteModel
    from bot.llm.openai import ChatCompletions
    from bot.llm.wire import Target, Wire

    if settings is None:
        return None
    wires: dict[str, Wire] = {
        "openai": ChatCompletions(),
        "anthropic": Messages(),
        "compatible": ChatCompletions(token_limit="max_tokens"),
    }
    target = Target(settings.model, settings.key, settings.max_output_tokens)
    remote = RemoteModel(
        clients, wires[settings.provider], settings.base_url, target, settings.timeout
    )
    return Guarded(remote, breaker, settings.provider, settings.key_name)


def runner(
    settings: Settings, clients: Clients, store: RedisStore | MemoryStore
) -> Callable[[Delivery, int], Outcome]:
    """A function that does one job."""
    from bot.flow.process import Desk, process

    forges = {"github": github(settings, clients)}
    asked = model(settings.model, clients, store)

    def run(delivery: Delivery, tries: int) -> Outcome:
        forge = forges.get(delivery.ref.forge)
        if forge is None:
            raise GiveUp(f"no forge {delivery.ref.forge!r} is configured")
        return process(delivery, Desk(forge, asked, store, settings.mode), tries)

    return run


def broker(client: redis.Redis) -> Broker:
    from bot.queue.broker import Broker

    return Broker(client)


def worker(settings: Settings) -> Crew:
    """Worker threads that are ready to start. Raises `SettingsError` without access to a forge."""
    from bot.queue.actors import declare
    from bot.queue.crew import Crew

    settings.need_github()
    client, web = redis_client(settings), clients()
    store, ours = redis_store(client), broker(client)
    declare(ours, runner(settings, web, store), store)
    return Crew(ours, settings.worker_threads, closing=[web.close])
