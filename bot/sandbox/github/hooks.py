"""The App's one webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.sandbox.github import payloads
from bot.sandbox.github.access import Access
from bot.sandbox.github.serializers import Serializer
from bot.sandbox.state import Event
from bot.sandbox.webhooks import Hooks, PayloadFacts, Webhook


@dataclass(slots=True)
class GitHubHooks(Hooks):
    """Sends the events of every repository whose installation is not suspended."""

    serializer: Serializer
    access: Access
    secret: str

    def webhooks(self, event: Event) -> list[Webhook]:
        installation = self.access.installation_of(event.repo)
        if self.address() is None or installation is None or installation.suspended_at:
            return []
        if event.change not in payloads.NAMES:
            return []
        return [Webhook.of(*payloads.payload(event, self.serializer, installation.id))]

    def signed(self, webhook: Webhook) -> tuple[str | None, dict[str, str]]:
        app = self.access.app_id
        headers = payloads.headers(webhook.event, webhook.key, webhook.body, self.secret, app)
        return self.address(), headers

    def facts_of(self, payload: dict[str, Any]) -> PayloadFacts:
        def field(part: str, name: str) -> Any:
            value = payload.get(part)
            return value.get(name) if isinstance(value, dict) else None

        return PayloadFacts(
            payload.get("action"),
            field("issue", "number"),
            field("repository", "id"),
            field("installation", "id"),
        )
