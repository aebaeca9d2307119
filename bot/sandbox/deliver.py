"""Sends signed webhooks and remembers how each was received."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from time import monotonic
from typing import Any

import httpx

from bot.sandbox.github import payloads
from bot.sandbox.github.shapes import Shapes
from bot.sandbox.world import Event, Missing

PATIENCE = 10.0  # GitHub closes the connection after ten seconds


@cache
def _client() -> httpx.Client:
    """One for the process: making its TLS context takes longer than most tests."""
    alone = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=PATIENCE, trust_env=False, limits=alone)


@dataclass(frozen=True, slots=True)
class Delivery:
    """`guid` is X-GitHub-Delivery, the same at a redelivery. `status` 0 = nobody answered."""

    id: int
    guid: str
    event: str
    action: str | None
    body: bytes
    at: datetime
    status: int
    job: str | None
    seconds: float
    redelivery: bool = False

    @property
    def payload(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Hooks:
    """The App's one webhook. Nothing is sent while `address` gives None."""

    shapes: Shapes
    app_id: int
    installation_id: int
    secret: str
    clock: Callable[[], datetime]
    address: Callable[[], str | None]
    deliveries: list[Delivery] = field(default_factory=list)
    _ids: count[int] = field(default_factory=lambda: count(70_000_001))
    _behind: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "sandbox-hooks")
    )

    def send(self, event: Event) -> None:
        """Tells the webhook now; an unreachable one is remembered as status 0."""
        if self.address() is not None and event.repo.installed:
            name, payload = payloads.payload(event, self.shapes, self.installation_id)
            self._try(name, payload)

    def later(self, event: Event) -> None:
        """Tells the webhook from a thread of its own, in order, as a forge does."""
        if self.address() is not None and event.repo.installed:
            name, payload = payloads.payload(event, self.shapes, self.installation_id)
            self._behind.submit(self._try, name, payload)

    def settle(self, seconds: float = 15.0) -> None:
        """Waits until everything given to `later` was sent."""
        self._behind.submit(lambda: None).result(seconds)

    def deliver(self, event: str, payload: Any, guid: str | None = None) -> httpx.Response:
        """Raises httpx.TransportError where nobody answers."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self._post(event, body, guid or str(uuid.uuid4()))

    def redeliver(self, delivery_id: str | int) -> httpx.Response:
        """The same body under the same guid again. Raises Missing."""
        for known in reversed(self.deliveries):
            if str(delivery_id) in (known.guid, str(known.id)):
                return self._post(known.event, known.body, known.guid, redelivery=True)
        raise Missing(f"delivery {delivery_id}")

    def redeliver_later(self, delivery_id: int) -> None:
        self._behind.submit(self._redeliver_quietly, delivery_id)

    def _redeliver_quietly(self, delivery_id: int) -> None:
        with suppress(httpx.TransportError):
            self.redeliver(delivery_id)

    def close(self) -> None:
        self._behind.shutdown(wait=True, cancel_futures=True)

    def _try(self, event: str, payload: Any) -> None:
        with suppress(httpx.TransportError):
            self.deliver(event, payload)

    def _post(
        self, event: str, body: bytes, guid: str, *, redelivery: bool = False
    ) -> httpx.Response:
        url = self.address()
        if url is None:
            raise Missing("no webhook_url is set")
        headers = payloads.headers(event, guid, body, self.secret, self.app_id)
        started, answer = monotonic(), None
        try:
            answer = _client().post(url, content=body, headers=headers)
            return answer
        finally:
            self.deliveries.append(
                Delivery(
                    id=next(self._ids),
                    guid=guid,
                    event=event,
                    action=_action(body),
                    body=body,
                    at=self.clock(),
                    status=answer.status_code if answer is not None else 0,
                    job=answer.headers.get("x-tagline-job") if answer is not None else None,
                    seconds=monotonic() - started,
                    redelivery=redelivery,
                )
            )


def _action(body: bytes) -> str | None:
    try:
        decoded = json.loads(body)
    except ValueError:
        return None
    return decoded.get("action") if isinstance(decoded, dict) else None
