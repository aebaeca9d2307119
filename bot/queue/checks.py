"""Checks for `tagline check` and the start: the settings of Redis, and the jobs in the queue."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from bot.core import redis_keys
from bot.core.diagnostics import Finding
from bot.core.jobs import read_queued_at
from bot.core.text.numbers import format_count

OLDEST_MAJOR = 7
LONG_WAIT_SECONDS = 600
SAFE_POLICY = "noeviction"
PROBE_KEY = f"{redis_keys.NAMESPACE}:check"  # never written
# Every command that a part sends, also in a script, with arguments of the right number.
RECEIVER_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "ping": (),
    "script|load": ("return 1",),
    "evalsha": ("0" * 40, "0"),
    **dict.fromkeys(("exists", "hgetall", "llen", "zcard"), (PROBE_KEY,)),
    **dict.fromkeys(("hget", "hmget", "expire", "lindex", "rpush"), (PROBE_KEY, "1")),
    "scan": ("0",),
    **dict.fromkeys(("hset", "hincrby"), (PROBE_KEY, "1", "1")),
}
WORKER_COMMANDS: Mapping[str, tuple[str, ...]] = {
    **RECEIVER_COMMANDS,
    **dict.fromkeys(("del", "get", "hlen", "hvals", "incr", "keys", "lpop"), (PROBE_KEY,)),
    **dict.fromkeys(("pttl", "scard", "smembers"), (PROBE_KEY,)),
    "type": (PROBE_KEY,),
    "lrem": (PROBE_KEY, "1", "1"),
    "hscan": (PROBE_KEY, "0"),
    **dict.fromkeys(("hdel", "hexists", "pexpire", "sadd"), (PROBE_KEY, "1")),
    **dict.fromkeys(("set", "srem", "zrem", "zscore"), (PROBE_KEY, "1")),
    **dict.fromkeys(("zadd", "zrange", "zrangebyscore", "zrevrange"), (PROBE_KEY, "1", "1")),
    **dict.fromkeys(("hsetnx", "zremrangebyrank", "zremrangebyscore"), (PROBE_KEY, "1", "1")),
    "zrevrangebyscore": (PROBE_KEY, "1", "1"),
}
NOT_ONE_SERVER = {
    "cluster": "runs in cluster mode, and a delivery needs keys of several nodes at once",
    "sentinel": "is a Sentinel, which keeps no data",
}
PLAIN_FIX = "write redis:// instead of rediss:// if the server does not speak TLS"
TLS_FIX = "write rediss:// instead of redis:// if the server expects TLS"
# A part of an error's text → what is wrong, the fix. `redis.exceptions` has no types for most.
ERRORS = (
    ("WRONG_VERSION_NUMBER", "does not speak TLS", PLAIN_FIX),
    ("closed by server", "closes the connection", TLS_FIX),
    ("reset by peer", "closes the connection", TLS_FIX),
    ("Protocol Error", "does not speak the protocol of Redis", TLS_FIX),
    ("DB index", "has no database of that number", "correct the number at the end of REDIS_URL"),
    ("max number of clients", "accepts no more clients", "raise its maxclients"),
)


def report(
    client: redis.Redis, clock: Callable[[], float] = time.time, *, where: str = ""
) -> Iterator[Finding]:
    """Yield findings about Redis, at the address `where`, and the queue.

    Raises `redis.RedisError` for other errors.
    """
    try:
        if (yield from _check_server(client, where)):
            return
        yield from _check_access(client, WORKER_COMMANDS)
        yield from _check_queue(client, clock())
    except NoPermissionError:
        return  # `_check_access` has named the command
    except redis.RedisError as error:
        if (finding := explain(error, client)) is None:
            raise
        yield finding


def find_problems(
    client: redis.Redis, commands: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Yield what prevents a part from working with this Redis; nothing if it does not answer."""
    try:
        info: Mapping[str, Any] = client.info()
    except NoPermissionError:
        info = {}
    except redis.RedisError as error:
        if finding := explain(error, client):
            yield finding
        return
    yield from _check_role(info)
    try:
        yield from _check_access(client, commands)
    except redis.RedisError:
        return


def explain(error: redis.RedisError, client: redis.Redis) -> Finding | None:
    """Return the reason for a failed connection and its fix, None for an unknown one."""
    if isinstance(error, redis.AuthenticationError):
        fix = "correct user and password in REDIS_URL, percent-encoded"
        return Finding("refuses the user or password", fix, wrong=True)
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = f"has a certificate that is not accepted ({cause.verify_message})"
            fix = (
                "add ?ssl_ca_certs=/path/to/ca.pem with its authority to REDIS_URL, and name the"
                " host as the certificate does"
            )
            return Finding(what, fix, wrong=True)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, redis.TimeoutError) and _uses_tls(client):
        return Finding("does not answer over TLS", PLAIN_FIX, wrong=True)
    found = (Finding(what, fix, wrong=True) for text, what, fix in ERRORS if text in str(error))
    return next(found, None)


def _uses_tls(client: redis.Redis) -> bool:
    return issubclass(client.connection_pool.connection_class, redis.SSLConnection)


def _check_server(client: redis.Redis, where: str) -> Generator[Finding, None, bool]:
    """Yield findings about version and settings; return whether it is no single server."""
    try:
        info: Mapping[str, Any] = client.info()
    except NoPermissionError:
        fix = "allow INFO for the user of REDIS_URL"
        yield Finding("its version and settings cannot be checked", fix)
        return False
    name = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    old = int(version.partition(".")[0]) < OLDEST_MAJOR
    fix = "use Redis 7 or Valkey, or newer" if old else ""
    yield Finding(f"{name} {version}{' at ' + where if where else ''} answers", fix, wrong=old)
    persistent = str(info.get("aof_enabled")) == "1"
    what = "appendonly yes" if persistent else "appendonly no: a crash loses accepted jobs"
    yield Finding(what, "" if persistent else "set appendonly yes", wrong=not persistent)
    if info.get("aof_last_write_status", "ok") != "ok":
        yield Finding("it cannot write its file", "check the free space on its disk", wrong=True)
    policy = str(info.get("maxmemory_policy", "unknown"))
    safe = policy == SAFE_POLICY
    fix = "" if safe else "set maxmemory-policy noeviction: another one drops queued jobs"
    yield Finding(f"maxmemory-policy {policy}", fix, wrong=not safe)
    role = [*_check_role(info)]
    yield from role
    return bool(role)


def _check_role(info: Mapping[str, Any]) -> Iterator[Finding]:
    mode = "cluster" if str(info.get("cluster_enabled")) == "1" else info.get("redis_mode", "")
    if what := NOT_ONE_SERVER.get(mode):
        fix = "set REDIS_URL to a single Redis or Valkey (cluster-enabled no)"
        yield Finding(what, fix, wrong=True)
    elif info.get("role") == "slave" and str(info.get("slave_read_only", 1)) == "1":
        fix = "set REDIS_URL to the primary server, which accepts writes"
        yield Finding("is a read-only replica", fix, wrong=True)


def _check_access(
    client: redis.Redis, commands: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Yield a finding about commands and keys that the user may not use.

    The commands are queued in a transaction, where Redis checks access, and then discarded.
    """
    refused, keys = [], False
    connection: Any = client.connection_pool.get_connection()
    try:
        for command in ("MULTI", *commands):
            connection.send_command(*command.upper().split("|"), *commands.get(command, ()))
            try:
                connection.read_response()
            except redis.ResponseError as error:
                if not (isinstance(error, NoPermissionError) or "unknown command" in str(error)):
                    raise
                is_key = " key" in str(error)
                keys = keys or is_key
                refused += [] if is_key else [command]
            if refused == ["MULTI"]:  # without it the other commands would be executed
                break
    finally:
        connection.disconnect()  # discards the transaction
        client.connection_pool.release(connection)
    if refused:
        names = ", ".join(sorted(refused)).upper().replace("|", " ")
        allow = " ".join(f"+{command}" for command in sorted(refused))
        yield Finding(
            f"its user may not use {names}", f"allow it: ACL SETUSER NAME {allow}", wrong=True
        )
    if keys:
        what = f"its user may not use the keys {redis_keys.NAMESPACE}:*"
        fix = f"allow them: ACL SETUSER NAME ~{redis_keys.NAMESPACE}:*"
        yield Finding(what, fix, wrong=True)


def _check_queue(client: redis.Redis, now: float) -> Iterator[Finding]:
    pauses = list(_find_pauses(client))
    yield from pauses
    waiting: Any = client.llen(redis_keys.QUEUE)
    later: Any = client.llen(redis_keys.DELAYED)
    dead: Any = client.zcard(redis_keys.DEAD)
    seconds = _measure_oldest_wait(client, now)
    since = f", the oldest for {seconds} s" if waiting else ""
    slow = seconds > LONG_WAIT_SECONDS and not pauses
    fix = "start `tagline worker`, or give it more WORKER_THREADS" if slow else ""
    jobs = format_count(waiting, "job waits", "jobs wait")
    others = f"{format_count(later, 'is', 'are')} to be tried later"
    yield Finding(f"{jobs}{since}; {others}", fix, wrong=slow)
    hint = "`tagline dead list` shows the reasons" if dead else ""
    yield Finding(format_count(dead, "dead letter"), hint)


def _find_pauses(client: redis.Redis) -> Iterator[Finding]:
    """Yield why workers take no jobs, if that is intended."""
    if client.exists(redis_keys.PAUSE_ALL):
        fix = "press Resume on the page /admin, which needs TAGLINE_ADMIN_TOKEN"
        yield Finding("all workers are paused on the admin page: jobs wait", fix)
    elif client.exists(redis_keys.PAUSED):
        fix = "unset TAGLINE_PAUSE where it runs, and restart it"
        yield Finding("a worker is paused: jobs wait", fix)


def _measure_oldest_wait(client: redis.Redis, now: float) -> int:
    """Return for how many seconds the first job of the queue has waited."""
    first: Any = client.lindex(redis_keys.QUEUE, 0)
    message: Any = client.hget(redis_keys.QUEUE_MESSAGES, first) if first else None
    if not message:
        return 0
    return max(round(now - read_queued_at(message)), 0)
