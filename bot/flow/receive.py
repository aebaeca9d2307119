"""Receive one delivery: verify, parse, claim and enqueue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.ports import Queue, SignatureVerifier, WebhookParser
from bot.core.types import Event, Ignored, IssueEdited, IssueOpened, IssueReopened, Job, JobKind

JOB_KINDS: dict[type[Event], JobKind] = {
    IssueOpened: "opened",
    IssueReopened: "reopened",
    IssueEdited: "edited",
}


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
    job = Job(event.delivery, JOB_KINDS[type(event)], event.ref, webhook.received_at)
    return ReceiveResult(event, await queue.put(job))
