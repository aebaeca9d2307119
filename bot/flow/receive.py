"""Receive one delivery: verify, parse, claim and enqueue."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.core.events import Event, Ignored
from bot.core.job_ids import make_job_id
from bot.core.ports import Queue, SignatureVerifier, WebhookParser
from bot.core.types import IssueRef, Job

# People change several labels at once, and those of many issues: an issue has one such job in each
# span, after its end, and the jobs of different issues are spread so that new issues do not wait.
LABELS_SPAN_SECONDS = 10.0
LABELS_SPREAD_SECONDS = 50
# GitLab stores what an issue is a duplicate of after it has closed it, and people may write it in a
# comment just after.
CLOSED_WAIT_SECONDS = 60.0
# Until the jobs that run have ended, so that none stores anew what is removed.
FORGET_WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class ReceiveResult:
    """The result for an authentic delivery. `job` is its first job's id, "" if it has none."""

    event: Event | Ignored
    job: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A delivery whose body, in `chunks`, has passed through `verifier` and is not verified yet."""

    headers: Mapping[str, str]
    chunks: Sequence[bytes]
    verifier: SignatureVerifier
    received_at: float


async def receive(webhook: WebhookRequest, parser: WebhookParser, queue: Queue) -> ReceiveResult:
    """Enqueue the jobs of a delivery; return the event and the first job's id.

    Raises `Rejected`, and `QueueUnavailable` without Redis. Each job is claimed by itself: where
    only one was, a repeat of the delivery enqueues the other.
    """
    webhook.verifier.verify()
    event = parser.parse(webhook.headers, b"".join(webhook.chunks))
    if isinstance(event, Ignored):
        return ReceiveResult(event)
    puts = [queue.put(job, wait) for job, wait in make_jobs(event, webhook.received_at)]
    # Nearly all deliveries have one job, and `gather` would make a task of it.
    ids = [await puts[0]] if len(puts) == 1 else await asyncio.gather(*puts)
    return ReceiveResult(event, ids[0])


def make_jobs(event: Event, now: float) -> Iterator[tuple[Job, float]]:
    """Yield the jobs of an event, each with the seconds until it may run."""
    if event.kind != "labels":
        waits = {"closed": CLOSED_WAIT_SECONDS, "forget": FORGET_WAIT_SECONDS}
        job = Job(event.delivery, event.kind, event.ref, now, event.comment, event.commands)
        yield job, waits.get(event.kind, 0.0)
    if event.kind == "labels" or event.labels_changed:
        yield _make_labels_job(event.ref, now)


def _make_labels_job(ref: IssueRef, now: float) -> tuple[Job, float]:
    span, elapsed = divmod(now, LABELS_SPAN_SECONDS)
    spread = int(hashlib.sha256(ref.key.encode()).hexdigest()[:8], 16) % LABELS_SPREAD_SECONDS
    wait = LABELS_SPAN_SECONDS - elapsed + spread
    return Job(make_job_id(f"labels-{span:.0f}", ref), "labels", ref, now), wait
