"""Claim a delivery and enqueue its job in one atomic step in Redis.

Requests that wait at the same moment share one call. The script writes Dramatiq 2.2's own key
layout, so the worker is a stock one; Dramatiq itself is not imported here.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import redis.asyncio
from redis.asyncio.retry import Retry as RedisRetry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from bot.core.errors import QueueUnavailable
from bot.core.types import IssueRef, Job

NAMESPACE = "tagline"
QUEUE = "issues"
ACTOR = "enrich"
CLAIM_SECONDS = 2 * 3600
ANSWER_SECONDS = 1.5
REPOSITORIES = f"{NAMESPACE}:places"
REPOSITORIES_SECONDS, NOTED_MINUTES = 60.0, 60
MAX_REPOSITORIES = 10_000
# uvloop raises RuntimeError for a connection that the other side has reset.
REDIS_ERRORS = (RedisError, OSError, TimeoutError, RuntimeError)
MAX_BATCH = 500
# In the time of a claim, for one installation or project: twenty times what GitHub lets an
# installation write meanwhile. The surplus is neither claimed nor queued, so that no flood fills
# Redis; the sweep finds those issues by their missing comment.
MAX_PER_ACCOUNT = 20_000

# ARGV: seconds that claims live, jobs that one account may have meanwhile, then a delivery's id,
# its job's id, its message and its account, repeated. "" is answered for one too many.
CLAIM_AND_ENQUEUE = """
local jobs = {}
for i = 3, #ARGV, 4 do
    local job = redis.call('hget', KEYS[1], ARGV[i]) or redis.call('hget', KEYS[2], ARGV[i])
    if not job and redis.call('hincrby', KEYS[1], ARGV[i + 3], 1) > tonumber(ARGV[2]) then
        job = ''
    elseif not job then
        job = ARGV[i + 1]
        redis.call('hset', KEYS[4], job, ARGV[i + 2])
        redis.call('rpush', KEYS[3], job)
        redis.call('hset', KEYS[1], ARGV[i], job)
    end
    jobs[#jobs + 1] = job
end
redis.call('expire', KEYS[1], ARGV[1])
return jobs
"""


RepositoryKey = tuple[str, int, str]  # host, repository, account


class _Message(msgspec.Struct, frozen=True):
    """Dramatiq's message, field for field."""

    queue_name: str
    actor_name: str
    args: tuple[()]
    kwargs: dict[str, Any]
    options: dict[str, str]
    message_id: str
    message_timestamp: int


def claim_keys(now: float) -> tuple[str, str]:
    """The hashes of delivery ids → job ids: the present two hours and the two before."""
    span = int(now // CLAIM_SECONDS)
    return f"{NAMESPACE}:claims:{span}", f"{NAMESPACE}:claims:{span - 1}"


def encode(delivery: Job, job: str, now: float) -> bytes:
    """The Dramatiq message for a delivery. It holds identifiers only."""
    return msgspec.json.encode(
        _Message(
            queue_name=QUEUE,
            actor_name=ACTOR,
            args=(),
            kwargs={"delivery": delivery},
            options={"redis_message_id": job},
            message_id=job,
            message_timestamp=int(now * 1000),
        )
    )


class RedisQueue:
    """The door's side of the queue; implements the `Queue` port."""

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            url,
            socket_connect_timeout=1,
            socket_timeout=ANSWER_SECONDS,
            retry=RedisRetry(NoBackoff(), 1),  # its connection may be from before a restart
        )
        self._clock = clock
        self._script = ""
        self._waiting: list[tuple[Job, asyncio.Future[str]]] = []
        self._sender: asyncio.Task[None] | None = None
        self._repositories: dict[RepositoryKey, tuple[str, bytes]] = {}
        self._keeper: asyncio.Task[None] | None = None

    async def put(self, delivery: Job) -> str:
        """Return the job's id once Redis has confirmed it; "" for one too many of its account.

        Raises `QueueUnavailable`.
        """
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, future))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._restore_repositories())
        return await future

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._redis.ping()
        except REDIS_ERRORS:
            return False
        return True

    async def close(self) -> None:
        if self._keeper:
            self._keeper.cancel()
        if self._sender:
            with suppress(asyncio.CancelledError):
                await self._sender
        await self._redis.aclose()

    async def _send_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    jobs = await self._send([delivery for delivery, _ in batch])
            except REDIS_ERRORS as error:
                # Those that came meanwhile have waited for the same silence.
                batch, self._waiting = [*batch, *self._waiting], []
                for _, future in batch:
                    if not future.done():
                        future.set_exception(QueueUnavailable(error_code(error)))
            else:
                for (_, future), job in zip(batch, jobs, strict=True):
                    if not future.done():
                        future.set_result(job.decode())

    async def _send(self, deliveries: list[Job]) -> list[bytes]:
        if not self._script:
            self._script = await self._redis.script_load(CLAIM_AND_ENQUEUE)
        now = self._clock()
        keys = (*claim_keys(now), f"{NAMESPACE}:{QUEUE}", f"{NAMESPACE}:{QUEUE}.msgs")
        await self._save_repositories(deliveries)
        values: list[str | bytes | int] = [2 * CLAIM_SECONDS, MAX_PER_ACCOUNT]
        fresh = secrets.token_hex(16 * len(deliveries))
        for nth, delivery in enumerate(deliveries):
            job = fresh[32 * nth : 32 * (nth + 1)]
            values += (delivery.id, job, encode(delivery, job, now), _account(delivery))
        try:
            jobs: list[bytes] = await self._redis.evalsha(self._script, 4, *keys, *values)
        except NoScriptError:
            self._script = ""
            return await self._send(deliveries)
        return jobs

    async def _save_repositories(self, deliveries: list[Job]) -> None:
        """Whatever has sent a delivery is looked through for what was missed."""
        new: dict[RepositoryKey, IssueRef] = {}
        for delivery in deliveries:
            ref = delivery.ref
            place = ref.host, ref.repo_id, ref.account
            if place not in self._repositories:
                new[place] = ref
        if new:
            rows = {
                place: msgspec.json.encode(replace(ref, number=0)) for place, ref in new.items()
            }
            mapping: dict[Any, bytes] = {ref.place_key: rows[place] for place, ref in new.items()}
            await self._redis.hset(REPOSITORIES, mapping=mapping)
            self._repositories |= {
                place: (ref.place_key, rows[place]) for place, ref in new.items()
            }

    async def _restore_repositories(self) -> None:
        """Redis may forget them with all jobs that wait; this process then knows where to look.

        Now and then all are noted anew: one that was taken off the list may be back.
        """
        for minute in itertools.count(1):
            await asyncio.sleep(REPOSITORIES_SECONDS)
            with suppress(*REDIS_ERRORS):
                rows: dict[Any, bytes] = dict(self._repositories.values())
                if rows and not await self._redis.exists(REPOSITORIES):
                    await self._redis.hset(REPOSITORIES, mapping=rows)
            if not minute % NOTED_MINUTES or len(self._repositories) > MAX_REPOSITORIES:
                self._repositories.clear()


def error_code(error: Exception) -> str:
    """Of a refusal its code only, such as MISCONF for a full disk."""
    return str(error).split(" ")[0] if type(error) is ResponseError else type(error).__name__


def _account(delivery: Job) -> str:
    """What its jobs are counted under; no delivery's id looks like it."""
    ref = delivery.ref
    return f"#{ref.forge}:{ref.host}:{ref.account or ref.repo_id}"
