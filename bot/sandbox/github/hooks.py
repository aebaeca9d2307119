"""The App's one webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.sandbox.deliver import Hooks, Letter, Told
from bot.sandbox.github import payloads
from bot.sandbox.github.access import Access
from bot.sandbox.github.shapes import Shapes
from bot.sandbox.world import Event


@dataclass(slots=True)
class GitHubHooks(Hooks):
    """Tells of every event in a repository where the App is installed and not suspended."""

    shapes: Shapes
    access: Access
    secret: str

    def letters(self, event: Event) -> list[Letter]:
        installation = self.access.installation_of(event.repo)
        if self.address() is None or installation is None or installation.suspended_at:
            return []
        if event.what not in payloads.NAMES:
            return []
        return [Letter.of(*payloads.payload(event, self.shapes, installation.id))]

    def sealed(self, letter: Letter) -> tuple[str | None, dict[str, str]]:
        app = self.access.app_id
        headers = payloads.headers(letter.event, letter.key, letter.body, self.secret, app)
        return self.address(), headers

    def told(self, payload: Any) -> Told:
        def within(part: str, name: str) -> Any:
            found = payload.get(part)
            return found.get(name) if isinstance(found, dict) else None

        return Told(
            payload.get("action"),
            within("issue", "number"),
            within("repository", "id"),
            within("installation", "id"),
        )
