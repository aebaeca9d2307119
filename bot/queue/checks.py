"""Is Redis fit for the queue, and does the queue move?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import redis

from bot.core.diagnostics import Finding
from bot.queue.enqueue import NAMESPACE, QUEUE

OLDEST_MAJOR = 7
WAITS_LONG = 600
SAFE_POLICY = "noeviction"


class _Message(msgspec.Struct):
    message_timestamp: float


def report(client: redis.Redis, clock: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Raises `redis.RedisError` where it does not answer."""
    info: Mapping[str, Any] = client.info()
    name = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    old = int(version.partition(".")[0]) < OLDEST_MAJOR
    yield Finding(
        f"{name} {version} answers", "use Redis 7 or Valkey, or newer" if old else "", wrong=old
    )
    lasting = str(info.get("aof_enabled")) == "1"
    what = "appendonly yes" if lasting else "appendonly no: a crash loses what was accepted"
    yield Finding(what, "" if lasting else "set appendonly yes", wrong=not lasting)
    if info.get("aof_last_write_status", "ok") != "ok":
        yield Finding("it cannot write its file", "look at the room on its disk", wrong=True)
    policy = str(info.get("maxmemory_policy", "unknown"))
    safe = policy == SAFE_POLICY
    fix = "" if safe else "set maxmemory-policy noeviction: another one drops queued jobs"
    yield Finding(f"maxmemory-policy {policy}", fix, wrong=not safe)
    yield from _about_queue(client, clock())


def _about_queue(client: redis.Redis, now: float) -> Iterator[Finding]:
    queue = f"{NAMESPACE}:{QUEUE}"
    waiting, later, dead = (
        client.llen(queue),
        client.llen(f"{queue}.DQ"),
        client.zcard(f"{queue}.XQ"),
    )
    seconds = _oldest(client, queue, now)
    since = f", the oldest for {seconds} s" if waiting else ""
    slow = seconds > WAITS_LONG
    fix = "start `tagline worker`, or give it more WORKER_THREADS" if slow else ""
    yield Finding(f"{waiting} jobs wait{since}; {later} are to be tried later", fix, wrong=slow)
    look = "`tagline job ID` tells why; the log of the worker names each" if dead else ""
    yield Finding(f"{dead} dead letters", look)


def _oldest(client: redis.Redis, queue: str, now: float) -> int:
    """For how many seconds the first job of the queue has waited."""
    first: Any = client.lindex(queue, 0)
    found = client.hget(f"{queue}.msgs", first) if first else None
    if not found:
        return 0
    made = msgspec.json.decode(found, type=_Message).message_timestamp / 1000
    return max(round(now - made), 0)
