"""The receiver in this process: signed requests through httpx's ASGI transport."""

from __future__ import annotations

import asyncio
import hmac
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import msgspec

from bot.core.metric_definitions import Key, MetricsSnapshot
from bot.core.ports import WebhookParser
from bot.forges.github.webhooks import GitHubWebhooks
from bot.forges.gitlab.webhooks import GitLabWebhooks
from bot.web.app import create
from tests.receiver_fakes import FakeQueue

SECRET = "a-webhook-secret-of-some-length"

PAYLOAD: dict[str, Any] = {
    "action": "opened",
    "issue": {"number": 41, "title": "Login fails", "user": {"type": "User"}},
    "repository": {"id": 7001, "full_name": "acme/widget"},
    "sender": {"type": "User"},
    "installation": {"id": 5001},
}

GITLAB_PAYLOAD: dict[str, Any] = {
    "object_kind": "issue",
    "event_type": "issue",
    "project": {"id": 77, "path_with_namespace": "acme/gadget"},
    "object_attributes": {
        "iid": 41,
        "action": "open",
        "type": "Issue",
        "confidential": False,
        "updated_at": "2026-11-22 07:00:00 UTC",
    },
}


@dataclass
class FakeMetrics:
    """Implements `Metrics` in memory."""

    counted: Counter[Key] = field(default_factory=Counter)
    down: bool = False

    def count(self, what: str, *labels: str) -> None:
        self.counted[what, *labels] += 1

    def snapshot(self) -> MetricsSnapshot:
        if self.down:
            raise ConnectionError("no answer in time")
        return MetricsSnapshot(dict(self.counted), {("queue_jobs", "waiting"): 3})

    def close(self) -> None:
        return None


class LocalReceiver:
    """The receiver of both forges. With `signing` keys GitLab's endpoint needs a signature."""

    def __init__(
        self,
        secrets: Sequence[str] = (SECRET,),
        *,
        signing: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.queue, self.counters = FakeQueue(), FakeMetrics()
        self.metrics_tokens: list[str] = []
        self.parsers: dict[str, WebhookParser | None] = {
            "github": GitHubWebhooks(secrets, "github.com"),
            "gitlab": GitLabWebhooks("gitlab.example", signing, secrets),
        }
        self.app = create(
            {name: partial(self.parsers.get, name) for name in self.parsers},
            self.queue,
            self.counters,
            lambda: self.metrics_tokens,
            clock,
        )

    def request(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] = b"",
        headers: Sequence[tuple[str, str]] = (),
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
                raw = [(k.encode(), v.encode("latin-1")) for k, v in headers]
                return await client.request(method, path, content=content, headers=raw)

        return asyncio.run(send())

    def github(
        self, payload: object = None, *, body: bytes | None = None, **headers: str | None
    ) -> httpx.Response:
        """Send a signed delivery. A header given as None is left out."""
        content = body if body is not None else msgspec.json.encode(payload or PAYLOAD)
        sent = github_headers(content, str(uuid.uuid4()))
        return self._deliver("github", content, sent, headers)

    def gitlab(
        self,
        payload: object = None,
        headers: Mapping[str, str | None] | None = None,
        *,
        body: bytes | None = None,
    ) -> httpx.Response:
        """Send a delivery with the plain token. A header given as None is left out."""
        content = body if body is not None else msgspec.json.encode(payload or GITLAB_PAYLOAD)
        sent = {**gitlab_headers(), "idempotency-key": str(uuid.uuid4())}
        return self._deliver("gitlab", content, sent, headers or {})

    def _deliver(
        self, forge: str, body: bytes, headers: dict[str, str], more: Mapping[str, str | None]
    ) -> httpx.Response:
        changed = {name.replace("_", "-").lower(): value for name, value in more.items()}
        kept = [(k, v) for k, v in {**headers, **changed}.items() if v is not None]
        return self.request("POST", f"/webhooks/{forge}", body, kept)


def github_headers(body: bytes, delivery: str = "d-1", secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a delivery that is signed with the secret."""
    return {
        "content-type": "application/json",
        "x-github-event": "issues",
        "x-github-delivery": delivery,
        "x-hub-signature-256": sign(body, secret),
    }


def gitlab_headers(token: str = SECRET) -> dict[str, str]:
    """Return the headers of a delivery with the plain token."""
    return {
        "content-type": "application/json",
        "x-gitlab-event": "Issue Hook",
        "x-gitlab-token": token,
    }


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


def verify(parser: WebhookParser, headers: Mapping[str, str], body: bytes) -> None:
    """Raise `Rejected` unless a delivery is authentic, whole or in pieces."""
    for pieces in ([body], [body[:1], b"", body[1:]]):
        verifier = parser.check_headers(headers)
        for piece in pieces:
            verifier.update(piece)
        verifier.verify()
