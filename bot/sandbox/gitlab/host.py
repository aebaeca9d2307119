"""GitLab as one object: its world, its accounts, its webhooks, and deeds that only it knows."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp

from bot.sandbox.gitlab import api, issues, notes, projects
from bot.sandbox.gitlab.access import BOT, Access
from bot.sandbox.gitlab.actions import QuickAction
from bot.sandbox.gitlab.hooks import GitLabHooks
from bot.sandbox.gitlab.issues import LONGEST_DESCRIPTION
from bot.sandbox.gitlab.serializers import Serializer
from bot.sandbox.gitlab.system import noted
from bot.sandbox.host import Host
from bot.sandbox.recorder import Log
from bot.sandbox.state import GITLAB, MAINTAINER, Event, Repo, RepoId, State, StoredComment

SIGNING_TOKEN = "whsec_" + base64.b64encode(b"the sandbox signs with these 32!").decode()


class GitLabHost(Host):
    """`token` is the bot's, `maintainer_token` that of a person who may make webhooks.

    `webhook_secret` and `signing_token` may be None. `group_hook` sends every event a second time.
    """

    host = "gitlab"
    config_path = ".gitlab/tagline.yml"
    longest_body = LONGEST_DESCRIPTION

    def __init__(self, url: str, clock: Callable[[], datetime], log: Log) -> None:
        self.url, self.log = url, log
        self.webhook_url: str | None = None
        self.webhook_secret: str | None = "sandbox-gitlab-secret"
        self.signing_token: str | None = SIGNING_TOKEN
        self.group_hook = False
        self.state = State(clock, GITLAB)
        self.access = Access(self.state.time)
        self.token = self.access.issue("glpat-sandbox-bot", BOT).text
        self.maintainer_token = self.access.issue("glpat-sandbox-maintainer", MAINTAINER).text
        self.serializer = Serializer(self.state, self.access, url)
        self.hooks: GitLabHooks = GitLabHooks(
            clock=self.state.time,
            address=lambda: self.webhook_url,
            serializer=self.serializer,
            secret=lambda: self.webhook_secret,
            signing_token=lambda: self.signing_token,
            group=lambda: self.group_hook,
        )
        self.bot = self.state.person(BOT, is_bot=True)
        self.gitlab = api.GitLab(self.state, self.access, self.serializer, self.hooks)

    def app(self) -> ASGIApp:
        return api.router(self.gitlab, [*issues.ROWS, *notes.ROWS, *projects.ROWS])

    @property
    def bot_accounts(self) -> tuple[str, ...]:
        return (BOT,)

    def make_confidential(self, repo: RepoId, number: int, *, deliver: bool = True) -> None:
        self._set(repo, number, "confidential", deliver)

    @property
    def quick_actions(self) -> list[QuickAction]:
        """Those that the lines of a note over the API set off."""
        return self.gitlab.quick_actions

    @property
    def replaced_labels(self) -> list[tuple[str, int, list[str]]]:
        """Repository, number and names of every update that gave `labels`, which replaces."""
        return self.gitlab.replaced

    def system_notes(self, repo: RepoId, number: int) -> list[StoredComment]:
        with self.state.lock:
            return [c for c in self.state.issue(repo, number).comments if c.system]

    def show(self, repo: RepoId, number: int) -> dict[str, Any]:
        with self.state.lock:
            home, issue = self.state.repo(repo), self.state.issue(repo, number)
            return {
                "issue": self.serializer.issue(home, issue),
                "labels": list(issue.labels),
                "comments": [
                    self.serializer.note(home, issue, c) for c in issue.comments if not c.system
                ],
            }

    def _places(self, repo: Repo | None) -> tuple[str, ...]:
        base = "/api/v4/projects/"
        if repo is None:
            return (base,)
        return (f"{base}{repo.id}/", f"{base}{quote(repo.name, safe='')}/")

    def _tell(self, event: Event, deliver: bool) -> None:
        for one in (event, *noted(self.state, event)):
            super()._tell(one, deliver)
