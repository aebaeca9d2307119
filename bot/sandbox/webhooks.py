"""Sends signed webhooks and remembers how each was received."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from time import monotonic
from typing import Any

import httpx

from bot.sandbox.state import Event, NotThere

ANSWER_SECONDS = 10.0  # both forges close the connection after ten seconds


@cache
def _client() -> httpx.Client:
    """One for the process: making its TLS context takes longer than most tests."""
    alone = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=ANSWER_SECONDS, trust_env=False, limits=alone)


@dataclass(frozen=True, slots=True)
class Webhook:
    """What is to be sent. `event` is the forge's header, `key` its id of the delivery.

    `hook` says which of several webhooks it is for; `headers` are added to those of the forge.
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
    """What a payload says, in GitHub's words on both hosts: opened, edited, closed, created, …

    Only GitHub lists `repo` and `installation`, both ids.
    """

    action: str | None = None
    number: int | None = None
    repo: int | None = None
    installation: int | None = None


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A letter and its answer. `status` 0 = nobody answered. Redelivered under the same key."""

    id: int
    webhook: Webhook
    facts: PayloadFacts
    at: datetime
    status: int
    job: str | None
    seconds: float
    redelivery: bool = False

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

    @property
    def action(self) -> str | None:
        return self.facts.action

    @property
    def number(self) -> int | None:
        return self.facts.number


@dataclass(slots=True)
class Hooks(ABC):
    """The webhooks of one forge. Nothing is sent while `address` gives None."""

    clock: Callable[[], datetime]
    address: Callable[[], str | None]
    deliveries: list[WebhookDelivery] = field(default_factory=list, kw_only=True)
    _ids: count[int] = field(default_factory=lambda: count(70_000_001), kw_only=True)
    _behind: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "sandbox-hooks"), kw_only=True
    )

    @abstractmethod
    def webhooks(self, event: Event) -> list[Webhook]:
        """What is sent about it: one for each webhook that wants it."""

    @abstractmethod
    def signed(self, webhook: Webhook) -> tuple[str | None, dict[str, str]]:
        """The address and the signed headers."""

    @abstractmethod
    def facts_of(self, payload: Any) -> PayloadFacts: ...

    def send(self, event: Event) -> None:
        """Tells the webhooks now; an unreachable one is remembered as status 0."""
        for webhook in self.webhooks(event):
            self._try(webhook)

    def later(self, event: Event) -> None:
        """Tells the webhooks from a thread of its own, in order, as a forge does."""
        for webhook in self.webhooks(event):
            self._behind.submit(self._try, webhook)

    def settle(self, seconds: float = 15.0) -> None:
        """Waits until everything given to `later` was sent."""
        self._behind.submit(lambda: None).result(seconds)

    def deliver(
        self,
        event: str,
        payload: Any,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """`headers` are set last. Raises httpx.TransportError where nobody answers."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.post(Webhook(event, body, key or str(uuid.uuid4()), headers=headers or {}))

    def redeliver(self, delivery_id: str | int) -> httpx.Response:
        """The same body under the same key again. Raises Missing."""
        for known in reversed(self.deliveries):
            if str(delivery_id) in (known.guid, str(known.id)):
                return self.post(known.webhook, redelivery=True)
        raise NotThere(f"delivery {delivery_id}")

    def redeliver_later(self, delivery_id: int) -> None:
        self._behind.submit(self._redeliver_quietly, delivery_id)

    def _redeliver_quietly(self, delivery_id: int) -> None:
        with suppress(httpx.TransportError):
            self.redeliver(delivery_id)

    def close(self) -> None:
        self._behind.shutdown(wait=True, cancel_futures=True)

    def _try(self, webhook: Webhook) -> None:
        with suppress(httpx.TransportError, NotThere):
            self.post(webhook)

    def post(self, webhook: Webhook, *, redelivery: bool = False) -> httpx.Response:
        """Raises Missing where no webhook is set, httpx.TransportError where nobody answers."""
        url, headers = self.signed(webhook)
        if url is None:
            raise NotThere("no webhook_url is set")
        started, answer = monotonic(), None
        try:
            answer = _client().post(
                url, content=webhook.body, headers={**headers, **webhook.headers}
            )
            return answer
        finally:
            self.deliveries.append(
                WebhookDelivery(
                    id=next(self._ids),
                    webhook=webhook,
                    facts=self._told(webhook.body),
                    at=self.clock(),
                    status=answer.status_code if answer is not None else 0,
                    job=answer.headers.get("x-tagline-job") if answer is not None else None,
                    seconds=monotonic() - started,
                    redelivery=redelivery,
                )
            )

    def _told(self, body: bytes) -> PayloadFacts:
        try:
            decoded = json.loads(body)
        except ValueError:
            return PayloadFacts()
        return self.facts_of(decoded) if isinstance(decoded, dict) else PayloadFacts()
