"""Claim a delivery and enqueue its job in one atomic step in Redis.

Requests that wait at the same time share one call. The script writes the key layout of Dramatiq
2.2, so that Dramatiq's worker reads it; Dramatiq itself is not imported here.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as RedisRetry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from bot.core import redis_keys
from bot.core.errors import QueueUnavailable
from bot.core.job_ids import make_opened_id
from bot.core.types import Job

ACTOR = "enrich"
CLAIM_SECONDS = 2 * 3600
ANSWER_SECONDS = 1.5
REPOSITORIES_SECONDS, SAVE_AGAIN_MINUTES = 60.0, 60
MAX_REPOSITORIES = 10_000
# uvloop raises RuntimeError for a connection that the other side has reset.
REDIS_ERRORS = (RedisError, OSError, TimeoutError, RuntimeError)
MAX_BATCH = 500
# For one installation or project until a claim expires: twenty times the comments GitHub accepts in
# that time. Further deliveries are neither claimed nor queued, so that a flood cannot fill
# Redis; reconciliation finds those issues by their missing comment. Changes of labels beyond it are
# seen with the next one.
MAX_PER_ACCOUNT = 20_000
COUNTED_APART = frozenset({"labels", "command", "missing", "closed"})
QUEUES = (
    *(redis_keys.QUEUE, redis_keys.QUEUE_MESSAGES),
    *(redis_keys.DELAYED, redis_keys.DELAYED_MESSAGES),
)
QUEUE_KEY, DELAYED_KEY = 3, 5  # their places in KEYS of the script

# KEYS: claims of this span and of the last, the queue, its messages, the delayed queue, its
# messages. ARGV: lifetime of claims in seconds, jobs that one account may have, and as MessagePack
# a list of jobs: the `Claims`, id, message and account of each, and its queue's place in KEYS.
# Returns the job's id for each, "" beyond the limit.
CLAIM_AND_ENQUEUE = """
local function claimed(id)
    return redis.call('hget', KEYS[1], id) or redis.call('hget', KEYS[2], id)
end
local ids = {}
for i, job in ipairs(cmsgpack.unpack(ARGV[3])) do
    local own, other, also, id, message, account, queue = unpack(job)
    local known = claimed(own) or claimed(other)
    if known then
        id = known
    elseif redis.call('hincrby', KEYS[1], account, 1) > tonumber(ARGV[2]) then
        id = ''
    else
        redis.call('hset', KEYS[queue + 1], id, message)
        redis.call('rpush', KEYS[queue], id)
        redis.call('hset', KEYS[1], own, id, also, id)
    end
    ids[i] = id
end
redis.call('expire', KEYS[1], ARGV[1])
return ids
"""


class Claims(NamedTuple):
    """The ids by which repeats of a job are found. A job that has `own` or `other` is a repeat; a
    job that is enqueued claims `own` and `also`."""

    own: str
    other: str
    also: str


def list_claims(job: Job) -> Claims:
    """Return a job's claims: of a webhook and polling, the second one that reports an issue's
    opening repeats the first.

    Two deliveries with different ids are two jobs.
    """
    if job.kind != "opened":
        return Claims(job.id, job.id, job.id)
    polled = make_opened_id(job.ref)
    delivered = f"delivered-{polled}"
    if job.id == polled:
        return Claims(polled, delivered, polled)
    return Claims(job.id, polled, delivered)


def claim_keys(now: float) -> tuple[str, str]:
    """Return the hashes of delivery ids → job ids: the current two hours and the two before."""
    span = int(now // CLAIM_SECONDS)
    return redis_keys.CLAIMS.format(span=span), redis_keys.CLAIMS.format(span=span - 1)


def encode(job: Job, job_id: str, now: float, wait: float = 0.0) -> bytes:
    """Return Dramatiq's message for a job. It holds identifiers only.

    With `wait` it is for the delayed queue, and the job runs after that many seconds.
    """
    eta = {"eta": int((now + wait) * 1000)} if wait else {}
    return msgspec.json.encode(
        {
            "queue_name": f"{redis_keys.QUEUE_NAME}.DQ" if wait else redis_keys.QUEUE_NAME,
            "actor_name": ACTOR,
            "args": (),
            "kwargs": {"delivery": job},
            "options": {"redis_message_id": job_id, **eta},
            "message_id": job_id,
            "message_timestamp": int(now * 1000),
        }
    )


class RedisQueue:
    """The receiver's side of the queue; implements `Queue`."""

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            url,
            socket_connect_timeout=1,
            socket_timeout=ANSWER_SECONDS,
            retry=RedisRetry(NoBackoff(), 1),  # its connection may be from before a restart
        )
        self._clock = clock
        self._script = ""
        self._waiting: list[tuple[Job, float, asyncio.Future[str]]] = []
        self._sender: asyncio.Task[None] | None = None
        self._repositories: dict[str, bytes] = {}
        self._restorer: asyncio.Task[None] | None = None

    async def put(self, job: Job, wait: float = 0.0) -> str:
        """Return the job's id once Redis has confirmed it; "" beyond the limit of its account.

        Raises `QueueUnavailable`.
        """
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, wait, future))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        if self._restorer is None:
            self._restorer = asyncio.create_task(self._restore_repositories())
        return await future

    async def ping(self) -> bool:
        """Return whether Redis answers."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._redis.ping()
        except REDIS_ERRORS:
            return False
        return True

    async def close(self) -> None:
        if self._restorer:
            self._restorer.cancel()
        if self._sender:
            with suppress(asyncio.CancelledError):
                await self._sender
        await self._redis.aclose()

    async def _send_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    ids = await self._send([(job, wait) for job, wait, _ in batch])
            except REDIS_ERRORS as error:
                # Deliveries that came meanwhile have waited for the same unanswered call.
                batch, self._waiting = [*batch, *self._waiting], []
                for *_, future in batch:
                    if not future.done():
                        future.set_exception(QueueUnavailable(error_code(error)))
            else:
                for (*_, future), job_id in zip(batch, ids, strict=True):
                    if not future.done():
                        future.set_result(job_id.decode())

    async def _send(self, jobs: list[tuple[Job, float]]) -> list[bytes]:
        if not self._script:
            self._script = await self._redis.script_load(CLAIM_AND_ENQUEUE)
        keys, args = _make_arguments(jobs, self._clock())
        await self._save_repositories([job for job, _ in jobs])
        try:
            ids: list[bytes] = await self._redis.evalsha(self._script, len(keys), *keys, *args)
        except NoScriptError:
            self._script = ""
            return await self._send(jobs)
        return ids

    async def _save_repositories(self, jobs: list[Job]) -> None:
        """Add the repositories of jobs to those that reconciliation searches."""
        new = _encode_repositories(
            [job for job in jobs if job.ref.repo_account_key not in self._repositories]
        )
        if new:
            await self._redis.hset(redis_keys.REPOSITORIES, mapping=new)
            self._repositories |= new

    async def _restore_repositories(self) -> None:
        """Save the repositories again if Redis has lost its data.

        Once an hour, forget them: a repository that was removed is saved with its next delivery.
        """
        for minute in itertools.count(1):
            await asyncio.sleep(REPOSITORIES_SECONDS)
            with suppress(*REDIS_ERRORS):
                rows: dict[Any, bytes] = dict(self._repositories)
                kept = redis_keys.REPOSITORIES, redis_keys.FORGOTTEN
                if rows and not await self._redis.exists(*kept):
                    await self._redis.hset(redis_keys.REPOSITORIES, mapping=rows)
            if not minute % SAVE_AGAIN_MINUTES or len(self._repositories) > MAX_REPOSITORIES:
                self._repositories.clear()


class PollQueue:
    """Enqueues what polling has found, with the claims of the receiver."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._script = client.register_script(CLAIM_AND_ENQUEUE)
        self._clock = clock

    def put(self, jobs: Sequence[tuple[Job, float]]) -> list[str]:
        """Enqueue jobs with their waiting times in one atomic step; return as `RedisQueue.put`."""
        if not jobs:
            return []
        self._client.hset(
            redis_keys.REPOSITORIES, mapping=_encode_repositories([job for job, _ in jobs])
        )
        keys, args = _make_arguments(jobs, self._clock())
        return [job_id.decode() for job_id in self._script(keys=keys, args=args)]


def _make_arguments(
    jobs: Sequence[tuple[Job, float]], now: float
) -> tuple[tuple[str, ...], tuple[int, int, bytes]]:
    """Return KEYS and ARGV of the script for jobs with their waiting times."""
    random = secrets.token_hex(16 * len(jobs))
    queued = []
    for n, (job, wait) in enumerate(jobs):
        job_id = random[32 * n : 32 * (n + 1)]
        queue = DELAYED_KEY if wait else QUEUE_KEY
        message = encode(job, job_id, now, wait).decode()  # the script reads no other bytes
        queued.append((*list_claims(job), job_id, message, _make_account_field(job), queue))
    args = (2 * CLAIM_SECONDS, MAX_PER_ACCOUNT, msgspec.msgpack.encode(queued))
    return (*claim_keys(now), *QUEUES), args


def _encode_repositories(jobs: Sequence[Job]) -> dict[Any, bytes]:
    return {
        job.ref.repo_account_key: msgspec.json.encode(replace(job.ref, number=0))
        for job in jobs
        if job.kind != "forget"
    }


def error_code(error: Exception) -> str:
    """Return an error's type, or the code of an error response, such as MISCONF for a full disk."""
    return str(error).split(" ")[0] if type(error) is ResponseError else type(error).__name__


def _make_account_field(job: Job) -> str:
    """Return the field that counts an account's jobs; no delivery's id starts with `#`.

    What does not concern new issues is counted apart, so that much of it does not keep these out of
    the queue.
    """
    kind = f"{job.kind} " if job.kind in COUNTED_APART else ""
    return f"#{kind}{job.ref.forge}:{job.ref.host}:{job.ref.account or job.ref.repo_id}"
