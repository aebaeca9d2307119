"""Receive one delivery: verify, parse, claim and enqueue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.ports import Queue, SignatureVerifier, WebhookParser
from bot.core.types import (
    Event,
    Ignored,
    IssueEdited,
    IssueOpened,
    IssueReopened,
    Job,
    JobKind,
    LabelsChanged,
    make_job_id,
)

JOB_KINDS: dict[type[Event], JobKind] = {
    IssueOpened: "opened",
    IssueReopened: "reopened",
    IssueEdited: "edited",
    LabelsChanged: "labels",
}
# People change several labels at once, and those of many issues: an issue has one such job in each
# span, after its end, and the jobs of different issues are spread so that new issues do not wait.
LABELS_SPAN_SECONDS = 10.0
LABELS_SPREAD_SECONDS = 50


@dataclass(frozen=True, slots=True)
class ReceiveResult:
    """The result for an authentic delivery. `job` is the job's id, "" if none was enqueued."""

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
    """Enqueue the job of a delivery; return the event and the job's id.

    Raises `Rejected`, and `QueueUnavailable` without Redis.
    """
    webhook.verifier.verify()
    event = parser.parse(webhook.headers, b"".join(webhook.chunks))
    if isinstance(event, Ignored):
        return ReceiveResult(event)
    job, wait = _make_job(event, webhook.received_at)
    return ReceiveResult(event, await queue.put(job, wait))


def _make_job(event: Event, now: float) -> tuple[Job, float]:
    """Return the job of an event, and the seconds until it may run."""
    kind, ref = JOB_KINDS[type(event)], event.ref
    if kind != "labels":
        return Job(event.delivery, kind, ref, now), 0.0
    span, elapsed = divmod(now, LABELS_SPAN_SECONDS)
    spread = int(hashlib.sha256(ref.key.encode()).hexdigest()[:8], 16) % LABELS_SPREAD_SECONDS
    wait = LABELS_SPAN_SECONDS - elapsed + spread
    return Job(make_job_id(f"labels-{span:.0f}", ref), kind, ref, now), wait
