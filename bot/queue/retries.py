"""Dramatiq's retries, with Tagline's delays, its count of tries and its dead letters."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import redis
from dramatiq import errors
from dramatiq.middleware import Retries

from bot import log
from bot.core.jobs import JobRecord
from bot.core.ports import JobRecords, Metrics
from bot.queue.enqueue import claim_keys

RECONNECT_SECONDS = 1.0
OUTCOMES = {"waiting": "tried-again-later", "dead": "gave-up"}
# Options that are set anew. A traceback can contain secret values; `tries` replaces the count.
ADDED_OPTIONS = ("traceback", "retries", "requeue_timestamp", "queued_at")


class JobFailed(errors.Retry):
    """Ends a try. `job.state` is "waiting" for another try, or "dead"."""

    def __init__(self, job: JobRecord, claims: Sequence[str] = (), seconds: float = 0.0) -> None:
        super().__init__(job.why, delay=int(seconds * 1000))
        self.job, self.claims = job, claims


class JobRetries(Retries):
    """Enqueues the job of a `JobFailed` again, or makes it a dead letter like any other error.

    Dramatiq acknowledges a message even if this hook raises: a job would be lost while Redis does
    not answer. Each step is therefore repeated until Redis confirms it.
    """

    def __init__(self, client: redis.Redis, jobs: JobRecords, metrics: Metrics) -> None:
        super().__init__(retry_when=lambda _retries, error: _get_state(error) == "waiting")
        self.logger.disabled = True  # `JobRunner` logs what follows
        self._client = client
        self._jobs, self._metrics = jobs, metrics

    def before_enqueue(self, broker: Any, message: Any, delay: int | None) -> None:
        for option in ADDED_OPTIONS:
            message.options.pop(option, None)
        if delay is None:
            message.options["queued_at"] = int(time.time() * 1000)

    def after_process_message(
        self, broker: Any, message: Any, *, result: Any = None, exception: Any = None
    ) -> None:
        if _get_state(exception) == "waiting":
            message.options["tries"] = exception.job.tries
        process = super().after_process_message
        until_connected(partial(process, broker, message, exception=exception))
        if isinstance(exception, JobFailed):
            if exception.job.state == "dead" and exception.claims:
                until_connected(partial(self._release_claims, exception.claims))
            save_job(self._jobs, self._metrics, exception.job)

    def _release_claims(self, claims: Sequence[str]) -> None:
        for key in claim_keys(time.time()):
            self._client.hdel(key, *claims)


def until_connected(call: Callable[[], object]) -> None:
    """Repeat a call until Redis answers it."""
    while True:
        with suppress(redis.RedisError):
            call()
            return
        time.sleep(RECONNECT_SECONDS)


def save_job(jobs: JobRecords, metrics: Metrics, job: JobRecord) -> None:
    """Count how a try ended, and save the job's state if Redis answers; no later step needs it."""
    outcome = OUTCOMES.get(job.state, job.outcome)
    metrics.count("jobs", job.issue.partition(":")[0], outcome)
    try:
        jobs.save_job(replace(job, at=time.time()))
    except redis.RedisError as error:
        log.get().warning("the job's state was not saved", job=job.id, error=type(error).__name__)


def _get_state(error: BaseException | None) -> str:
    return error.job.state if isinstance(error, JobFailed) else ""
