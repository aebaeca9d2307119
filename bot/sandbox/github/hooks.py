"""The App's one webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.sandbox.deliver import Hooks, Letter, Told
from bot.sandbox.github import payloads
from bot.sandbox.github.shapes import Shapes
from bot.sandbox.world import Event


@dataclass(slots=True)
class GitHubHooks(Hooks):
    """Tells of every event in a repository where the App is installed."""

    shapes: Shapes
    app_id: int
    installation_id: int
    secret: str

    def letters(self, event: Event) -> list[Letter]:
        if self.address() is None or not event.repo.installed:
            return []
        if event.what not in payloads.NAMES:
            return []
        return [Letter.of(*payloads.payload(event, self.shapes, self.installation_id))]

    def sealed(self, letter: Letter) -> tuple[str | None, dict[str, str]]:
        headers = payloads.headers(letter.event, letter.key, letter.body, self.secret, self.app_id)
        return self.address(), headers

    def told(self, payload: Any) -> Told:
        issue = payload.get("issue")
        number = issue.get("number") if isinstance(issue, dict) else None
        return Told(payload.get("action"), number)
