"""The one actor: run a job, and turn its error into a later try, a dead letter or an end.

Dramatiq's own retry middleware loses a job whose re-enqueueing meets a broken connection, and keeps
tracebacks with their values in Redis; this one does neither.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import dramatiq
import msgspec
import redis
from dramatiq.middleware import CurrentMessage

from bot import log
from bot.core import redis_keys
from bot.core.errors import OperatorError, Postponed, Retry
from bot.core.jobs import JobRecord
from bot.core.ports import JobRecords
from bot.core.types import Job, Usage
from bot.flow.plan import Outcome
from bot.queue.broker import CONNECTION_ERRORS, Broker
from bot.queue.enqueue import ACTOR, claim_keys

MAX_TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
LONGEST_SPREAD = 600.0  # a ticket of `store/pace.py` is void an hour after its moment
RECONNECT_SECONDS = 1.0

Run = Callable[[Job, int], Outcome]
# Made at import, by one thread: msgspec prepares a type when it is first used, and crashes where
# several threads do so at once.
msgspec.json.Decoder(Job)


def declare(broker: Broker, run: Run, jobs: JobRecords) -> dramatiq.Actor[..., None]:
    """Register the actor with the broker; `run` does a job, `jobs` remembers what became of it."""
    clerk = JobRunner(broker, run, jobs)

    def enrich(delivery: dict[str, Any]) -> None:
        message = CurrentMessage.get_current_message()
        assert message is not None
        try:
            job = msgspec.convert(delivery, Job)
        except msgspec.ValidationError:
            clerk.reject_unreadable(message)
        else:
            clerk.run(message, job)

    return dramatiq.actor(broker=broker, actor_name=ACTOR, queue_name=redis_keys.QUEUE_NAME)(enrich)


def send(broker: Broker, jobs: JobRecords, delivery: Job, delay_seconds: float = 0.0) -> str:
    """Enqueue a job that came through no door; returns its id."""
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=redis_keys.QUEUE_NAME,
        actor_name=ACTOR,
        args=(),
        kwargs={"delivery": msgspec.to_builtins(delivery)},
        options={},
    )
    delay = int(delay_seconds * 1000) if delay_seconds > 0 else None
    jobs.save_job(JobRecord(message.message_id, "queued", str(delivery.ref), at=time.time()))
    broker.enqueue(message, delay=delay)
    return message.message_id


class JobRunner:
    def __init__(self, broker: Broker, run: Run, jobs: JobRecords) -> None:
        self._broker = broker
        self._run = run
        self._jobs = jobs

    def reject_unreadable(self, message: Any) -> None:
        """A message of another version of ours: kept, for somebody to look at."""
        why = "a job that this version cannot read"
        log.get().error("gave up; kept as a dead letter", job=message.message_id, why=why)
        message.fail()
        self._save(JobRecord(message.message_id, "dead", "", why=why))

    def run(self, message: Any, delivery: Job) -> None:
        job = self._start(message, str(delivery.ref))
        tries = job.tries
        say = log.get().bind(job=job.id, delivery=delivery.id, issue=job.issue)
        if tries > MAX_TRIES:
            fatal = replace(job, tries=MAX_TRIES, why="no worker survives it")
            self._dead_letter(message, delivery, fatal, say)
            return
        say.info("starting enrichment", kind=delivery.kind, try_number=tries)
        started = time.monotonic()
        try:
            outcome = self._run(delivery, tries)
        except OperatorError as error:
            self._dead_letter(message, delivery, replace(job, why=str(error)), say)
        except Postponed as error:
            uncounted = replace(job, tries=tries - 1, why=str(error))
            self._schedule_retry(message, delivery, uncounted, error.after, say)
        except Retry as error:
            self._schedule_retry(message, delivery, replace(job, why=str(error)), error.after, say)
        except CONNECTION_ERRORS as error:
            why = f"Redis does not answer ({type(error).__name__})"
            self._schedule_retry(message, delivery, replace(job, why=why), None, say)
        except Exception as error:
            # Values stay out of logs and Redis: the type and the place must do.
            frames = tuple(log.frames(error.__traceback__))
            job = replace(job, why=f"unexpected {type(error).__name__}", frames=frames)
            say.error("unexpected error", error=type(error).__name__, frames=frames[-8:])
            self._schedule_retry(message, delivery, job, None, say)
        else:
            _log_outcome(say, outcome, time.monotonic() - started)
            self._save(_finished(job, outcome))

    def _start(self, message: Any, issue: str) -> JobRecord:
        """The job as it runs now; a try that its worker did not survive is counted too."""
        tries = int(message.options.get("tries", 0)) + 1
        job = JobRecord(message.message_id, "running", issue, tries, at=time.time())
        try:
            before = self._jobs.start_job(job)
        except (redis.RedisError, msgspec.DecodeError):  # silent, or a note of another version
            return job
        if before and before.state == "running" and before.tries >= tries:
            job = replace(job, tries=before.tries + 1)
            self._until_connected(lambda: self._jobs.save_job(job))  # or the count would be lost
        return job

    def _schedule_retry(
        self, message: Any, delivery: Job, job: JobRecord, after: float | None, say: Any
    ) -> None:
        if job.tries >= MAX_TRIES:
            self._dead_letter(message, delivery, job, say)
            return
        pause = (
            after if after is not None else min(FIRST_PAUSE * 2 ** (job.tries - 1), LONGEST_PAUSE)
        )
        spread = min(0.2 * pause, LONGEST_SPREAD)
        pause += random.uniform(0.0, spread)  # noqa: S311 - spreads tries, guards nothing
        say.warning(
            "error, tried again later", try_number=job.tries, why=job.why, seconds=round(pause)
        )
        again = message.copy(options={"tries": job.tries})
        self._until_connected(lambda: self._broker.enqueue(again, delay=int(pause * 1000)))
        self._save(replace(job, state="waiting"))

    def _dead_letter(self, message: Any, delivery: Job, job: JobRecord, say: Any) -> None:
        say.error("gave up; kept as a dead letter", try_number=job.tries, why=job.why)
        message.fail()
        self._until_connected(lambda: self._release_claim(delivery))
        self._save(replace(job, state="dead"))

    def _release_claim(self, delivery: Job) -> None:
        for key in claim_keys(time.time()):
            self._broker.client.hdel(key, delivery.id)

    def _until_connected(self, do: Callable[[], object]) -> None:
        """The message must not be acknowledged before its successor is in Redis."""
        while True:
            try:
                do()
            except redis.RedisError:
                time.sleep(RECONNECT_SECONDS)
            else:
                return

    def _save(self, job: JobRecord) -> None:
        try:
            self._jobs.save_job(replace(job, at=time.time()))
        except redis.RedisError as error:
            log.get().warning(
                "the job's state was not noted", job=job.id, error=type(error).__name__
            )


def _finished(job: JobRecord, outcome: Outcome) -> JobRecord:
    record, found = outcome.record, outcome.enrichment
    used = found.usage if found else Usage()
    return replace(
        job,
        state="done",
        outcome=record.status,
        why=record.why,
        model=used.model,
        tokens_in=used.tokens_in,
        tokens_out=used.tokens_out,
        cost_usd=used.cost_usd,
    )


def _log_outcome(say: Any, outcome: Outcome, seconds: float) -> None:
    record, found = outcome.record, outcome.enrichment
    took = round(seconds, 3)
    if found and record.status in ("skipped", "deleted"):
        say.warning("not written", outcome=record.status, why=record.why, seconds=took)
        return
    if found is None:
        say.info("nothing to do", outcome=record.status, why=record.why, seconds=took)
        return
    counts: Mapping[str, Any] = {
        "labels": len(outcome.plan.add_labels) if outcome.plan else 0,
        "summary_length": len(found.summary),
        "seconds": took,
        "outcome": record.status,
    }
    if found.source == "rules":
        say.warning("using fallback", why=found.why, **counts)
        return
    usage = found.usage
    say.info(
        "enrichment succeeded",
        model=usage.model,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        cost_usd=usage.cost_usd,
        **counts,
    )
