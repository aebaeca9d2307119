"""An outage of Redis is logged once, and its end too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.embedded.valkey import EmbeddedRedis
from bot.queue.watch import EVERY_SECONDS, RedisWatch
from tests.conftest import crash

Logged = Callable[[], list[dict[str, Any]]]


def test_each_change_is_logged_once(own_redis: EmbeddedRedis, logged: Logged) -> None:
    now = 0.0
    watch = RedisWatch(own_redis.url, "jobs wait", lambda: now)
    assert watch.check()
    assert logged() == []
    crash(own_redis)
    assert watch.check(), "the answer of the last time holds until the next one is due"
    for _ in range(3):
        now += EVERY_SECONDS
        assert not watch.check()
    own_redis.start()
    for _ in range(3):
        now += EVERY_SECONDS
        assert watch.check()
    down, up = logged()
    assert down["event"] == "Redis does not answer; jobs wait. Look at REDIS_URL"
    assert (down["level"], down["why"]) == ("error", "ConnectionError")
    assert (up["level"], up["event"]) == ("info", "Redis answers again")
    watch._client.close()
