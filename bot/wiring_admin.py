"""Builds the admin page from settings. It reads Redis alone, and loads no client of a forge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import redis
from starlette.routing import BaseRoute

from bot.core.ports import Metrics
from bot.flow.describe_activity import Activity, describe_activity
from bot.queue.dead_letters import DeadLetters
from bot.queue.pause import PauseSwitch
from bot.settings.reload import ReloadingSettings
from bot.store.redis import RedisStore
from bot.web.admin.app import AdminPages
from bot.web.admin.session import AdminSessions


def admin_pages(
    latest: ReloadingSettings, counters: Metrics
) -> tuple[Sequence[BaseRoute], Callable[[], None]]:
    """Return the routes of the page, and what closes its connections."""
    actions = RedisAdmin(latest().redis_url, counters)
    sessions = AdminSessions(lambda: latest().admin_tokens)
    return AdminPages(actions, sessions).routes(), actions.close


class RedisAdmin:
    """Implements `AdminActions`."""

    def __init__(self, url: str, counters: Metrics, clock: Callable[[], float] = time.time) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
        self._store, self._letters = RedisStore(self._client, clock), DeadLetters(self._client)
        self._switch, self._counters = PauseSwitch(self._client), counters

    def read(self, now: float) -> Activity:
        with _translate_errors():
            return describe_activity(
                self._store, self._letters.all, self._counters.snapshot, self._switch.read, now
            )

    def retry(self, job: str) -> bool:
        with _translate_errors():
            return bool(self._letters.send_again([job]))

    def pause(self) -> None:
        with _translate_errors():
            self._switch.set()

    def resume(self) -> None:
        with _translate_errors():
            self._switch.clear()

    def close(self) -> None:
        self._client.close()


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise ConnectionError(type(error).__name__) from None
