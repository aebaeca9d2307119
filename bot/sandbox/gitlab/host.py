"""The simulated GitLab as one object: its state, accounts, webhooks and API."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from starlette.types import ASGIApp

from bot.sandbox.gitlab import api, issues, notes
from bot.sandbox.gitlab.access import BOT, Access
from bot.sandbox.gitlab.hooks import GitLabHooks
from bot.sandbox.gitlab.issues import LONGEST_DESCRIPTION
from bot.sandbox.gitlab.serializers import Serializer
from bot.sandbox.host import Host
from bot.sandbox.label_rules import GITLAB
from bot.sandbox.rate_limit import AddressLimit
from bot.sandbox.state import State

SIGNING_TOKEN = "whsec_" + base64.b64encode(b"the sandbox signs with these 32!").decode()


class GitLabHost(Host):
    """`token` is the bot's. `webhook_secret` and `signing_token` may be None."""

    host = "gitlab"
    longest_body = LONGEST_DESCRIPTION
    rows: ClassVar[list[api.Row]] = [*issues.ROWS, *notes.ROWS]

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self.url = url
        self.webhook_url: str | None = None
        self.webhook_secret: str | None = "sandbox-gitlab-secret"
        self.signing_token: str | None = SIGNING_TOKEN
        self.state = State(clock, GITLAB)
        self.access = Access(self.state.time)
        self.token = self.access.issue("glpat-sandbox-bot", BOT).text
        self.bot = self.state.user(BOT, is_bot=True)
        self.serializer = Serializer(self.state, self.access, url)
        self.hooks = self.make_hooks()
        self.anonymous = AddressLimit(requests=500, window=timedelta(minutes=1))  # as GitLab.com
        self.gitlab = api.GitLab(
            *(self.state, self.access, self.serializer, self.hooks, self.anonymous)
        )

    def make_hooks(self) -> GitLabHooks:
        return GitLabHooks(
            clock=self.state.time,
            address=lambda: self.webhook_url,
            serializer=self.serializer,
            secret=lambda: self.webhook_secret,
            signing_token=lambda: self.signing_token,
        )

    def app(self) -> ASGIApp:
        return api.router(self.gitlab, self.rows)
