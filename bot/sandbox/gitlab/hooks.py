"""The webhook for all projects of the simulated GitLab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.gitlab import payloads
from bot.sandbox.gitlab.serializers import Serializer
from bot.sandbox.state import Event
from bot.sandbox.webhooks import Hooks, PayloadFacts, Webhook

ACTIONS = {"open": "opened", "close": "closed", "reopen": "reopened", "create": "created"}


@dataclass(slots=True)
class GitLabHooks(Hooks):
    """`secret` returns X-Gitlab-Token or None, `signing_token` the signature's key or None."""

    serializer: Serializer
    secret: Callable[[], str | None]
    signing_token: Callable[[], str | None]

    def webhooks(self, event: Event) -> list[Webhook]:
        named = payloads.payload(event, self.serializer)
        return [Webhook.of(*named)] if named and self.address() is not None else []

    def signed(self, webhook: Webhook) -> tuple[str | None, dict[str, str]]:
        headers = self.headers(webhook, self.secret(), self.signing_token())
        return self.address(), headers

    def headers(
        self, webhook: Webhook, secret: str | None, signing_token: str | None
    ) -> dict[str, str]:
        at = int(self.clock().timestamp())
        base = self.serializer.base
        return {
            **payloads.headers(base, webhook.event, webhook.key, secret),
            **payloads.signature(webhook.key, at, webhook.body, signing_token),
        }

    def facts_of(self, payload: dict[str, Any]) -> PayloadFacts:
        attributes = payload.get("object_attributes")
        if not isinstance(attributes, dict):
            return PayloadFacts()
        issue = payload.get("issue")
        number = (issue if isinstance(issue, dict) else attributes).get("iid")
        action = attributes.get("action")
        return PayloadFacts(ACTIONS.get(action, "edited") if action else None, number)
