"""Sends signed webhooks and records how each was answered."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from time import monotonic
from typing import Any

import httpx

from bot.sandbox.state import Event, Missing

ANSWER_SECONDS = 10.0  # both forges close the connection after ten seconds


@cache
def _client() -> httpx.Client:
    """Return the process's client: a TLS context of its own would slow down every test."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=ANSWER_SECONDS, trust_env=False, limits=limits)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request to send. `event` is the forge's header, `key` its id of the delivery.

    `hook` is the id of the webhook's configuration; `headers` are added to the forge's own.
    """

    event: str
    body: bytes
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    hook: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, event: str, payload: Any, hook: int = 0) -> Webhook:
        return cls(event, json.dumps(payload).encode(), hook=hook)


@dataclass(frozen=True, slots=True)
class PayloadFacts:
    """What a payload reports. `action` is GitHub's word on both hosts: opened, edited, created, …

    GitHub alone lists `repo` and `installation`, both ids.
    """

    action: str | None = None
    number: int | None = None
    repo: int | None = None
    installation: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery(PayloadFacts):
    """A sent webhook and its answer. `status` is 0 without one. A redelivery keeps the key.

    `timed_out`: the receiver was reached, and its answer did not arrive in time.
    """

    id: int
    webhook: Webhook
    at: datetime
    status: int
    job: str | None
    seconds: float
    redelivery: bool = False
    timed_out: bool = False

    @property
    def guid(self) -> str:
        """GitHub's X-GitHub-Delivery, GitLab's Idempotency-Key."""
        return self.webhook.key

    @property
    def event(self) -> str:
        return self.webhook.event

    @property
    def body(self) -> bytes:
        return self.webhook.body

    @property
    def payload(self) -> Any:
        return json.loads(self.webhook.body)


@dataclass(slots=True)
class Hooks(ABC):
    """The webhooks of one forge. Nothing is sent while `address` returns None."""

    clock: Callable[[], datetime]
    address: Callable[[], str | None]
    deliveries: list[WebhookDelivery] = field(default_factory=list, kw_only=True)
    _ids: count[int] = field(default_factory=lambda: count(70_000_001), kw_only=True)
    _sender: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "sandbox-hooks"), kw_only=True
    )

    @abstractmethod
    def webhooks(self, event: Event) -> list[Webhook]:
        """Return one webhook for each configured receiver of the event."""

    @abstractmethod
    def signed(self, webhook: Webhook) -> tuple[str | None, dict[str, str]]:
        """Return the address and the signed headers."""

    @abstractmethod
    def facts_of(self, payload: dict[str, Any]) -> PayloadFacts: ...

    def send(self, event: Event) -> None:
        """Send the event's webhooks now; an unreachable receiver is recorded as status 0."""
        for webhook in self.webhooks(event):
            self._try(webhook)

    def send_later(self, event: Event) -> None:
        """Send the event's webhooks from another thread, in order, as a forge does."""
        for webhook in self.webhooks(event):
            self._sender.submit(self._try, webhook)

    def deliver_later(self, webhook: Webhook) -> None:
        """Send a webhook that belongs to no change of an issue."""
        self._sender.submit(self._try, webhook)

    def settle(self, seconds: float = 15.0) -> None:
        """Wait until everything given to `send_later` is sent."""
        self._sender.submit(lambda: None).result(seconds)

    def redeliver(self, delivery_id: str | int) -> httpx.Response:
        """Send the same body under the same key again. Raises Missing."""
        for delivery in reversed(self.deliveries):
            if str(delivery_id) in (delivery.guid, str(delivery.id)):
                return self.post(delivery.webhook, redelivery=True)
        raise Missing(f"delivery {delivery_id}")

    def redeliver_later(self, delivery_id: int) -> None:
        def redeliver() -> None:
            with suppress(httpx.TransportError):
                self.redeliver(delivery_id)

        self._sender.submit(redeliver)

    def close(self) -> None:
        self._sender.shutdown(wait=True, cancel_futures=True)

    def _try(self, webhook: Webhook) -> None:
        with suppress(httpx.TransportError, Missing):
            self.post(webhook)

    def post(self, webhook: Webhook, *, redelivery: bool = False) -> httpx.Response:
        """Send a webhook. Raises Missing without an address, httpx.TransportError."""
        url, headers = self.signed(webhook)
        if url is None:
            raise Missing("no webhook_url is set")
        started, answer, timed_out = monotonic(), None, False
        try:
            answer = _client().post(
                url, content=webhook.body, headers={**headers, **webhook.headers}
            )
            return answer
        except httpx.ReadTimeout:
            timed_out = True
            raise
        finally:
            self.deliveries.append(
                WebhookDelivery(
                    id=next(self._ids),
                    webhook=webhook,
                    **asdict(self._facts(webhook.body)),
                    at=self.clock(),
                    status=answer.status_code if answer is not None else 0,
                    job=answer.headers.get("x-tagline-job") if answer is not None else None,
                    seconds=monotonic() - started,
                    redelivery=redelivery,
                    timed_out=timed_out,
                )
            )

    def _facts(self, body: bytes) -> PayloadFacts:
        try:
            payload = json.loads(body)
        except ValueError:
            return PayloadFacts()
        return self.facts_of(payload) if isinstance(payload, dict) else PayloadFacts()
