"""Checks for `tagline check`: the settings of Redis, and the jobs that wait in the queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import redis

from bot.core import redis_keys
from bot.core.diagnostics import Finding

OLDEST_MAJOR = 7
LONG_WAIT_SECONDS = 600
SAFE_POLICY = "noeviction"


def report(client: redis.Redis, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Yield findings about Redis and the queue. Raises `redis.RedisError`."""
    info: Mapping[str, Any] = client.info()
    name = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    old = int(version.partition(".")[0]) < OLDEST_MAJOR
    fix = "use Redis 7 or Valkey, or newer" if old else ""
    yield Finding(f"{name} {version} answers", fix, wrong=old)
    persistent = str(info.get("aof_enabled")) == "1"
    what = "appendonly yes" if persistent else "appendonly no: a crash loses accepted jobs"
    yield Finding(what, "" if persistent else "set appendonly yes", wrong=not persistent)
    if info.get("aof_last_write_status", "ok") != "ok":
        yield Finding("it cannot write its file", "check the free space on its disk", wrong=True)
    policy = str(info.get("maxmemory_policy", "unknown"))
    safe = policy == SAFE_POLICY
    fix = "" if safe else "set maxmemory-policy noeviction: another one drops queued jobs"
    yield Finding(f"maxmemory-policy {policy}", fix, wrong=not safe)
    yield from _check_queue(client, clock())


def _check_queue(client: redis.Redis, now: float) -> Iterator[Finding]:
    waiting, later = client.llen(redis_keys.QUEUE), client.llen(redis_keys.DELAYED)
    dead = client.zcard(redis_keys.DEAD)
    seconds = _measure_oldest_wait(client, now)
    since = f", the oldest for {seconds} s" if waiting else ""
    slow = seconds > LONG_WAIT_SECONDS
    fix = "start `tagline worker`, or give it more WORKER_THREADS" if slow else ""
    yield Finding(f"{waiting} jobs wait{since}; {later} are to be tried later", fix, wrong=slow)
    hint = "`tagline dead list` shows the reasons" if dead else ""
    yield Finding(f"{dead} dead letters", hint)


def _measure_oldest_wait(client: redis.Redis, now: float) -> int:
    """Return for how many seconds the first job of the queue has waited."""
    first: Any = client.lindex(redis_keys.QUEUE, 0)
    message = client.hget(redis_keys.QUEUE_MESSAGES, first) if first else None
    if not message:
        return 0
    data = msgspec.json.decode(message)
    queued_at: float = data.get("options", {}).get("queued_at", data["message_timestamp"])
    return max(round(now - queued_at / 1000), 0)
