"""Webhooks of projects and groups: the sandbox's own one, and those made over the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from bot.sandbox.gitlab import payloads
from bot.sandbox.gitlab.serializers import Serializer
from bot.sandbox.state import Event, NotThere
from bot.sandbox.webhooks import Hooks, PayloadFacts, Webhook

OURS, GROUP = 0, 1
WANTS = {
    "Issue Hook": "issues_events",
    "Confidential Issue Hook": "confidential_issues_events",
    "Note Hook": "note_events",
    "Confidential Note Hook": "confidential_note_events",
}
WORDS = {"open": "opened", "close": "closed", "reopen": "reopened", "create": "created"}


@dataclass(slots=True)
class Hook:
    """A webhook made over the API. `place` is a project's id or a group's path."""

    id: int
    place: int | str
    url: str
    created_at: datetime
    events: dict[str, bool]
    token: str | None = None
    signing_token: str | None = None


@dataclass(slots=True)
class GitLabHooks(Hooks):
    """`secret` gives X-Gitlab-Token, `signing_token` the key of the signature, or None.

    With `group` the event goes out a second time under a key of its own, as a group's hook does.
    """

    serializer: Serializer
    secret: Callable[[], str | None]
    signing_token: Callable[[], str | None]
    group: Callable[[], bool]
    made: list[Hook] = field(default_factory=list)
    ids: count[int] = field(default_factory=lambda: count(101))

    def webhooks(self, event: Event) -> list[Webhook]:
        found = payloads.payload(event, self.serializer)
        if found is None:
            return []
        name, payload = found
        group = event.repo.name.rpartition("/")[0]
        hooks = [h.id for h in self.of(event.repo.id, group) if h.events.get(WANTS[name])]
        if self.address() is not None:
            hooks = [OURS, *([GROUP] if self.group() else []), *hooks]
        return [Webhook.of(name, payload, hook) for hook in hooks]

    def signed(self, webhook: Webhook) -> tuple[str | None, dict[str, str]]:
        hook = self._hook(webhook.hook)
        at = int(self.clock().timestamp())
        headers = payloads.headers(self.serializer.base, webhook.event, webhook.key, hook.token)
        signed = payloads.signature(webhook.key, at, webhook.body, hook.signing_token)
        return hook.url or None, headers | signed

    def facts_of(self, payload: Any) -> PayloadFacts:
        attributes = payload.get("object_attributes")
        if not isinstance(attributes, dict):
            return PayloadFacts()
        issue = payload.get("issue")
        number = (issue if isinstance(issue, dict) else attributes).get("iid")
        action = attributes.get("action")
        return PayloadFacts(WORDS.get(action, "edited") if action else None, number)

    def of(self, *places: int | str) -> list[Hook]:
        return [hook for hook in self.made if hook.place in places]

    def _hook(self, number: int) -> Hook:
        if number in (OURS, GROUP):
            url = self.address() or ""
            return Hook(number, "", url, self.clock(), {}, self.secret(), self.signing_token())
        for hook in self.made:
            if hook.id == number:
                return hook
        raise NotThere(f"hook {number}")
