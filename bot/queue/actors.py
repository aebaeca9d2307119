"""The actors: each runs a job by the handler of its kind, and maps errors to the next step."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import dramatiq
import msgspec
import redis
from dramatiq.middleware import CurrentMessage

from bot import log
from bot.core import redis_keys
from bot.core.errors import OperatorError, Postponed, Retry
from bot.core.jobs import WRITE_STATUSES, JobRecord, JobState
from bot.core.ports import JobRecords, Metrics
from bot.core.types import Job, JobKind, Usage
from bot.flow.plan import Outcome
from bot.queue.broker import Broker
from bot.queue.connection import CONNECTION_ERRORS
from bot.queue.enqueue import ACTOR, list_claims
from bot.queue.retries import JobFailed, JobRetries, save_job, until_connected

MAX_TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
LONGEST_SPREAD = 600.0  # a comment's reservation is kept for an hour after its time
LIMIT_FIX = (
    "`tagline stats` shows them; `tagline resume` or another tagline.yml applies labels again"
)

# Of jobs that a worker has fetched, the one with the lowest number runs first.
TRAIN_ACTOR = "train"
PRIORITIES = {ACTOR: 0, TRAIN_ACTOR: 100}
# The events of a kind's start and end in the log, where it enriches no issue.
START_EVENTS: Mapping[JobKind, str] = {
    "labels": "comparing labels",
    "command": "reading commands",
    "missing": "reading what an author added",
    "closed": "reading why an issue was closed",
    "train": "starting training",
    "forget": "looking for repositories without access",
}
END_EVENTS: Mapping[JobKind, str] = {
    "labels": "compared labels",
    "command": "commands ended",
    "missing": "read what an author added",
    "closed": "read why an issue was closed",
    "train": "training ended",
    "forget": "forgot repositories without access",
}

Handler = Callable[[Job, int], Outcome]
# At import, in one thread: msgspec prepares a type on its first use, and crashes if several
# threads do this at the same time.
msgspec.json.Decoder(Job)


def declare(
    broker: Broker, handlers: Mapping[JobKind, Handler], jobs: JobRecords, metrics: Metrics
) -> None:
    """Register the actors with the broker. A handler gets a job and the number of its try."""
    broker.add_middleware(JobRetries(broker.client, jobs, metrics))
    run = JobRunner(handlers, jobs, metrics).run
    for name, priority in PRIORITIES.items():
        queue = redis_keys.QUEUE_NAME
        dramatiq.actor(broker=broker, actor_name=name, queue_name=queue, priority=priority)(run)


def send(broker: Broker, jobs: JobRecords, job: Job, delay_seconds: float = 0.0) -> str:
    """Enqueue a job that came without a webhook; return its id."""
    kwargs = {"delivery": msgspec.to_builtins(job)}
    actor = TRAIN_ACTOR if job.kind == "train" else ACTOR
    message = dramatiq.Message[None](redis_keys.QUEUE_NAME, actor, (), kwargs, options={})
    delay = int(delay_seconds * 1000) if delay_seconds > 0 else None
    jobs.save_job(make_record(message.message_id, "queued", job))
    broker.enqueue(message, delay=delay)
    return message.message_id


class JobRunner:
    """Runs the tries of jobs."""

    def __init__(
        self, handlers: Mapping[JobKind, Handler], jobs: JobRecords, metrics: Metrics
    ) -> None:
        self._handlers = handlers
        self._jobs, self._metrics = jobs, metrics

    def run(self, delivery: dict[str, Any]) -> None:
        """Run one try of a job, in the current message. Raises `JobFailed`."""
        message = CurrentMessage.get_current_message()
        assert message is not None
        try:
            job = msgspec.convert(delivery, Job)
            handler = self._handlers[job.kind]
        except (msgspec.ValidationError, KeyError):
            why = "a job that this version cannot read"
            log.get().error("gave up; kept as a dead letter", job=message.message_id, why=why)
            raise JobFailed(JobRecord(message.message_id, "dead", "", why=why)) from None
        record = self._start(message, job)
        logger = log.get().bind(job=record.id, delivery=job.id, issue=record.issue)
        if record.tries > MAX_TRIES:
            record = replace(record, tries=MAX_TRIES, why="every worker process that ran it ended")
            raise _give_up(record, job, logger)
        start = START_EVENTS.get(job.kind, "starting enrichment")
        logger.info(start, kind=job.kind, try_number=record.tries)
        started = time.monotonic()
        try:
            outcome = handler(job, record.tries)
        except Exception as error:
            raise _sort_error(error, record, job, logger) from None
        self._end(record, outcome, time.monotonic() - started, logger)

    def _end(self, record: JobRecord, outcome: Outcome, seconds: float, logger: Any) -> None:
        """Log, count and store what came of a job."""
        _log_outcome(logger, outcome, seconds)
        forge, enrichment = outcome.job.ref.forge, outcome.enrichment
        if outcome.new_limit:
            why = outcome.new_limit
            logger.warning("labels are only suggested from now on", why=why, fix=LIMIT_FIX)
            self._metrics.count("mode_limits", forge)
        if enrichment and outcome.record.status in WRITE_STATUSES:
            self._metrics.count("enrichments", forge, enrichment.source)
        ended = replace(
            record,
            state="done",
            outcome=outcome.record.status,
            why=outcome.record.why,
            choices=outcome.choices,
            labeller=enrichment.source if enrichment else "",
            seconds=round(seconds, 3),
            **asdict(enrichment.usage if enrichment else Usage()),
        )
        save_job(self._jobs, self._metrics, ended)

    def _start(self, message: Any, job: Job) -> JobRecord:
        """Return the record of this try. A try during which the worker process ended counts too."""
        tries = int(message.options.get("tries", 0)) + 1
        record = replace(
            make_record(message.message_id, "running", job), tries=tries, started=time.time()
        )
        try:
            before = self._jobs.start_job(record)
        except (redis.RedisError, msgspec.DecodeError):  # unreachable, or another version's record
            return record
        if before and before.state == "running" and before.tries >= tries:
            record = replace(record, tries=before.tries + 1)
            until_connected(lambda: self._jobs.save_job(record))  # or the count would be wrong
        return record


def make_record(job_id: str, state: JobState, job: Job) -> JobRecord:
    """Return the record of a job that is in this state from now on."""
    repository = job.ref.repo_key
    return JobRecord(
        job_id, state, str(job.ref), at=time.time(), repository=repository, kind=job.kind
    )


def _sort_error(error: Exception, record: JobRecord, job: Job, logger: Any) -> JobFailed:
    """Return the failure to raise for an error.

    Waiting for a lock or a rate limit does not count as a try.
    """
    after = error.after if isinstance(error, Retry) else None
    tries = record.tries - 1 if isinstance(error, Postponed) else record.tries
    why = str(error)
    frames: tuple[str, ...] = ()
    if isinstance(error, CONNECTION_ERRORS):
        why = f"Redis does not answer ({type(error).__name__})"
    elif not isinstance(error, Retry | OperatorError):
        # The type and the place only: values stay out of logs and Redis.
        why, frames = f"unexpected {type(error).__name__}", (*log.frames(error.__traceback__),)
        logger.error("unexpected error", error=type(error).__name__, frames=frames[-8:])
    took = round(time.time() - record.started, 3)
    record = replace(
        record, state="waiting", tries=tries, why=why, frames=frames, seconds=max(took, 0.0)
    )
    if isinstance(error, OperatorError) or tries >= MAX_TRIES:
        return _give_up(record, job, logger)
    seconds = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE) if after is None else after
    spread = min(0.2 * seconds, LONGEST_SPREAD)
    seconds += random.uniform(0.0, spread)  # noqa: S311 - spreads tries, guards nothing
    logger.warning("error, tried again later", try_number=tries, why=why, seconds=round(seconds))
    return JobFailed(record, list_claims(job), seconds)


def _give_up(record: JobRecord, job: Job, logger: Any) -> JobFailed:
    logger.error("gave up; kept as a dead letter", try_number=record.tries, why=record.why)
    return JobFailed(replace(record, state="dead"), list_claims(job))


def _log_outcome(logger: Any, outcome: Outcome, seconds: float) -> None:
    record, enrichment = outcome.record, outcome.enrichment
    if event := END_EVENTS.get(outcome.job.kind):
        logger.info(event, outcome=record.status, result=record.why, seconds=round(seconds, 3))
        return
    fields: dict[str, Any] = {"outcome": record.status, "seconds": round(seconds, 3)}
    if outcome.refused:
        logger.warning("refused by the forge", why=record.why, **fields)
        return
    if enrichment is None:
        logger.info("nothing to do", why=record.why, **fields)
        return
    if record.status in ("skipped", "deleted"):
        logger.warning("not written", why=record.why, **fields)
        return
    fields["labels"] = len(outcome.plan.add_labels) if outcome.plan else 0
    fields["summary_length"] = len(enrichment.summary)
    if enrichment.labels_not_shown:
        fields["labels_not_shown"] = enrichment.labels_not_shown
    if outcome.refused_labels:
        logger.warning("labels refused by the forge", labels=outcome.refused_labels)
    if enrichment.provisional:
        logger.warning("using fallback", why=enrichment.why, **fields)
    else:
        logger.info("enrichment succeeded", **asdict(enrichment.usage), **fields)
