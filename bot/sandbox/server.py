"""The sandbox as one object: two forges and a model API over HTTP on a loopback port."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from bot.sandbox import control, demo_faults
from bot.sandbox.broken_connections import RawProtocol
from bot.sandbox.demo import DEMO_LABELS, DEMO_PROJECT, DEMO_REPO, GROUP_LABELS, PROJECT_LABELS
from bot.sandbox.faults import Fault, FaultInjector, Faults, Side
from bot.sandbox.github import api as github
from bot.sandbox.github import graphql, installation, issue_types, issues, search, suggestions
from bot.sandbox.github.access import GRANTED, Access, Installation
from bot.sandbox.github.hooks import GitHubHooks
from bot.sandbox.github.serializers import Serializer
from bot.sandbox.gitlab.host import GitLabHost
from bot.sandbox.host import Host
from bot.sandbox.model import api as model
from bot.sandbox.model.openai import OpenAI
from bot.sandbox.rate_limit import AddressLimit
from bot.sandbox.serving import serving
from bot.sandbox.state import Missing, State, now

INSTALLATION = 90_210


@dataclass(repr=False)
class Sandbox(Host):
    """The simulated GitHub, with `gitlab` and a model API beside it.

    It is bound to a free port at once and answers inside `running()`.
    """

    host: ClassVar[str] = "github"
    github_rows: ClassVar[list[github.Row]] = [
        *issues.ROWS,
        *issue_types.ROWS,
        *suggestions.ROWS,
        *search.ROWS,
        *graphql.ROWS,
        *installation.ROWS,
    ]
    serializer_type: ClassVar[type[Serializer]] = Serializer
    gitlab_type: ClassVar[type[GitLabHost]] = GitLabHost
    server_type: ClassVar[type[uvicorn.Server]] = uvicorn.Server
    webhook_url: str | None = None
    webhook_secret: str = "sandbox-webhook-secret"
    app_id: int = 4711
    token: str = "github_pat_sandbox"
    token_login: str = "tagline-operator"
    model_key: str = "sandbox-key"
    clock: Callable[[], datetime] = now
    granted: Mapping[str, str] = field(default_factory=lambda: dict(GRANTED))
    installation_id: int = INSTALLATION

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        # Accepted connections inherit it; without it each answer takes 40 ms (delayed ACK).
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self.state = State(self.clock)
        self.access = Access(
            self.app_id,
            [Installation(self.installation_id)],
            self.token,
            self.token_login,
            self.state.time,
            self.granted,
        )
        self.anonymous = AddressLimit(requests=60, window=timedelta(hours=1))
        self.models = model.Models(self.model_key)
        self.hooks: GitHubHooks = GitHubHooks(
            clock=self.state.time,
            address=lambda: self.webhook_url,
            serializer=self.serializer_type(self.state, self.github_url, self.url),
            access=self.access,
            secret=self.webhook_secret,
        )
        self.github = github.GitHub(
            *(self.state, self.access, self.hooks.serializer, self.hooks, self.anonymous)
        )
        self.gitlab = self.gitlab_type(self.gitlab_url, self.clock)
        self.faults = Faults.of(self.known_faults())
        self.add_repo(DEMO_REPO, DEMO_LABELS)
        self.gitlab.add_repo(DEMO_PROJECT, PROJECT_LABELS, group_labels=GROUP_LABELS)

    @property
    def hosts(self) -> Mapping[str, Host]:
        return {"github": self, "gitlab": self.gitlab}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def github_url(self) -> str:
        return f"{self.url}/github"

    @property
    def gitlab_url(self) -> str:
        """The base URL of a GitLab under a sub-path; its API is below /api/v4."""
        return f"{self.url}/gitlab"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/openai/v1"

    @property
    def private_key(self) -> str:
        """The App's key as PEM text."""
        return self.access.private_key

    def known_faults(self) -> Sequence[Fault]:
        return demo_faults.FAULTS

    def wrap(self, app: ASGIApp, name: str) -> ASGIApp:
        """Return one of the APIs with faults and dated answers."""
        sides: dict[str, Side] = {"github": "github", "gitlab": "gitlab"}
        clock = self.hosts[name].state.time if name in self.hosts else self.clock
        return FaultInjector(app, sides.get(name, "model"), self.faults, clock)

    def control_routes(self) -> Sequence[BaseRoute]:
        return control.Control(self.hosts, self.faults).routes()

    def apis(self) -> dict[str, tuple[str, ASGIApp]]:
        """Return each API's path and application."""
        return {
            "github": ("/github", github.router(self.github, self.github_rows)),
            "gitlab": ("/gitlab", self.gitlab.app()),
            "openai": ("/openai/v1", model.router(self.models, OpenAI())),
        }

    def routes(self) -> list[BaseRoute]:
        return [
            *(Mount(path, self.wrap(app, name)) for name, (path, app) in self.apis().items()),
            Mount("/sandbox", routes=self.control_routes()),
        ]

    @contextmanager
    def running(self) -> Iterator[Sandbox]:
        server = self.server_type(
            uvicorn.Config(
                Starlette(
                    routes=self.routes(),
                    exception_handlers={Missing: control.missing, ValueError: control.invalid},
                ),
                http=RawProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        try:
            with serving(server, self._socket, "sandbox", self.faults.ending.set):
                yield self
        finally:
            self.hooks.close()
            self.gitlab.hooks.close()
