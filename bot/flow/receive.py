"""A delivery at the door: verify → decode → claim and enqueue. Nothing slower happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.model import Delivery, Ignored
from bot.core.ports import Inbox, Queue


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an authentic delivery. `job` is "" where nothing was enqueued."""

    what: Delivery | Ignored
    job: str = ""


async def receive(
    headers: Mapping[str, str], body: bytes, inbox: Inbox, queue: Queue, received_at: float
) -> Receipt:
    """Take in one delivery. Raises `Refused` for the sender, `QueueDown` where Redis is silent."""
    inbox.verify(headers, body)
    what = inbox.read(headers, body, received_at)
    if isinstance(what, Ignored):
        return Receipt(what)
    return Receipt(what, await queue.put(what))
