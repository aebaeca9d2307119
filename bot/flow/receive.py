"""A delivery at the door: verify → decode → claim and enqueue. Nothing slower happens here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.ports import Queue, SignatureVerifier, WebhookParser
from bot.core.types import Ignored, Job


@dataclass(frozen=True, slots=True)
class ReceiveResult:
    """What came of an authentic delivery. `job` is "" where nothing was enqueued."""

    event: Job | Ignored
    job: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A delivery as it came in; its seal was computed over these chunks, and is not checked yet."""

    headers: Mapping[str, str]
    chunks: Sequence[bytes]
    verifier: SignatureVerifier
    received_at: float


async def receive(webhook: WebhookRequest, parser: WebhookParser, queue: Queue) -> ReceiveResult:
    """Take in one delivery. Raises `Refused` for the sender, `QueueDown` where Redis is silent."""
    webhook.verifier.verify()
    what = parser.parse(webhook.headers, b"".join(webhook.chunks), webhook.received_at)
    if isinstance(what, Ignored):
        return ReceiveResult(what)
    return ReceiveResult(what, await queue.put(what))
