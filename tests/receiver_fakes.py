"""Fakes of the receiver's ports."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.errors import QueueUnavailable, Rejected
from bot.core.events import Event, Ignored
from bot.core.types import Job


class FakeWebhookParser:
    """Implements `WebhookParser` and `SignatureVerifier`: accepts the signature "good"."""

    id_header = "delivery"
    secret_name = "FORGE_SECRET"

    def __init__(self, parsed: Event | Ignored | Rejected) -> None:
        self.parsed = parsed
        self.calls: list[str] = []
        self.signature = ""

    def check_headers(self, headers: Mapping[str, str]) -> FakeWebhookParser:
        self.calls.append("check_headers")
        self.signature = headers.get("signature", "")
        return self

    def update(self, chunk: bytes) -> None:
        self.calls.append("update")

    def verify(self) -> None:
        self.calls.append("verify")
        if self.signature != "good":
            raise Rejected(401, "wrong signature")

    def parse(self, headers: Mapping[str, str], body: bytes) -> Event | Ignored:
        self.calls.append("parse")
        if isinstance(self.parsed, Rejected):
            raise self.parsed
        return self.parsed


class FakeQueue:
    """Implements `ReceiverQueue`; with `down` it fails as without Redis, with `full` as a queue
    that holds too many jobs of an account. `waits` has the seconds of jobs that run later."""

    def __init__(self, *, down: bool = False) -> None:
        self.down, self.full = down, False
        self.jobs: dict[str, Job] = {}
        self.waits: dict[str, float] = {}

    async def put(self, delivery: Job, wait: float = 0.0) -> str:
        if self.down:
            raise QueueUnavailable("no answer")
        if self.full:
            return ""
        self.jobs.setdefault(f"job of {delivery.id}", delivery)
        if wait:
            self.waits[delivery.id] = wait
        return f"job of {delivery.id}"

    async def ping(self) -> bool:
        return not self.down

    async def close(self) -> None:
        return None
