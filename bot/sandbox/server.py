"""The sandbox as one object: two forges and two model APIs over real HTTP on a loopback port."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from threading import Thread
from time import monotonic, sleep
from typing import Any, ClassVar

import uvicorn

from bot.sandbox import app, forge_faults
from bot.sandbox.broken_connections import FastStopServer, RawProtocol
from bot.sandbox.demo import (
    DEMO_LABELS,
    DEMO_PROJECT,
    DEMO_REPO,
    GROUP_LABELS,
    PROJECT_LABELS,
)
from bot.sandbox.faults import Faults
from bot.sandbox.github import faults as github_faults
from bot.sandbox.github.access import BOT, GRANTED, Access, Installation
from bot.sandbox.github.hooks import GitHubHooks
from bot.sandbox.github.serializers import Serializer
from bot.sandbox.gitlab import faults as gitlab_faults
from bot.sandbox.gitlab.host import GitLabHost
from bot.sandbox.host import Host
from bot.sandbox.model import faults as model_faults
from bot.sandbox.model.api import ModelRequest, Models
from bot.sandbox.recorder import Exchange, Log
from bot.sandbox.state import NotThere, Repo, RepoId, State, now

INSTALLATION = 90_210
MODEL_APIS = ("openai", "anthropic")


@dataclass(repr=False)
class Sandbox(Host):
    """Bound to a free port at once, answering inside `running()`.

    Its own deeds and questions are about GitHub; `gitlab` has the same, `hosts` both by name.
    """

    host: ClassVar[str] = "github"
    config_path: ClassVar[str] = ".github/tagline.yml"
    webhook_url: str | None = None
    webhook_secret: str = "sandbox-webhook-secret"
    app_id: int = 4711
    token: str = "github_pat_sandbox"
    token_login: str = "tagline-operator"
    model_key: str = "sandbox-key"
    clock: Callable[[], datetime] = now
    granted: Mapping[str, str] = field(default_factory=lambda: dict(GRANTED))
    installation_id: int = INSTALLATION
    log: Log = field(default_factory=Log)
    leaks: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        # Accepted connections inherit it; without, each answer waits 40 ms for an acknowledgement.
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
        self._installation_ids = count(self.installation_id + 1)
        self.models = Models(self.model_key)
        self.hooks: GitHubHooks = GitHubHooks(
            clock=self.state.time,
            address=lambda: self.webhook_url,
            serializer=Serializer(self.state, self.github_url, self.url),
            access=self.access,
            secret=self.webhook_secret,
        )
        self.gitlab = GitLabHost(self.gitlab_url, self.clock, self.log)
        self.faults = Faults.of(
            [
                *forge_faults.rows(
                    {
                        "github": github_faults.WAYS,
                        "gitlab": gitlab_faults.ways(self.gitlab.state.time),
                    }
                ),
                *github_faults.rows(self.access),
                *gitlab_faults.rows(self.gitlab.state.time),
                *model_faults.rows(),
            ]
        )
        self.add_repo(DEMO_REPO, DEMO_LABELS)
        self.gitlab.add_repo(DEMO_PROJECT, PROJECT_LABELS, group_labels=GROUP_LABELS)

    @property
    def hosts(self) -> dict[str, Host]:
        return {"github": self, "gitlab": self.gitlab}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def github_url(self) -> str:
        return f"{self.url}/github"

    @property
    def gitlab_url(self) -> str:
        """A GitLab under a sub-path; its API is below /api/v4."""
        return f"{self.url}/gitlab"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/openai/v1"

    @property
    def anthropic_url(self) -> str:
        return f"{self.url}/anthropic"

    @property
    def private_key(self) -> str:
        """The App's key as PEM text."""
        return self.access.private_key

    @property
    def replies(self) -> deque[str]:
        """Assistant texts that are given, in order, before the stand-in answers by itself."""
        return self.models.replies

    @property
    def model_exchanges(self) -> list[Exchange]:
        return [exchange for api in MODEL_APIS for exchange in self.log.of(api)]

    @property
    def model_requests(self) -> list[ModelRequest]:
        """The prompts that reached a model face, struck by a fault or not."""
        return [
            ModelRequest(exchange.api, exchange.request_headers, exchange.request_json)
            for exchange in self.model_exchanges
            if exchange.method == "POST"
        ]

    def observe(self, observer: Callable[[Exchange], None]) -> None:
        """Called with every exchange of every face, in the server's thread; must not raise."""
        self.log.observers.append(observer)

    @property
    def bot_accounts(self) -> tuple[str, ...]:
        """The App and the personal token's owner."""
        return (BOT, self.token_login)

    def install(self, owner: str) -> int:
        """An installation of the account's own; the first one stands for all other accounts."""
        made = Installation(next(self._installation_ids), owner)
        self.access.installations.append(made)
        return made.id

    def uninstall(self, repo: RepoId) -> None:
        """Removes the installation that covers the repository. Raises Missing."""
        self.access.installations.remove(self._covering(repo))

    def suspend(self, repo: RepoId) -> None:
        """Suspends the installation that covers the repository. Raises Missing."""
        self._covering(repo).suspended_at = self.state.clock()

    def _covering(self, repo: RepoId) -> Installation:
        found = self.access.installation_of(self.state.repo(repo))
        if found is None:
            raise NotThere(f"no installation covers {repo}")
        return found

    def show(self, repo: RepoId, number: int) -> dict[str, Any]:
        serializer = self.hooks.serializer
        with self.state.lock:
            home, issue = self.state.repo(repo), self.state.issue(repo, number)
            return {
                "issue": serializer.issue(home, issue),
                "labels": list(issue.labels),
                "comments": [serializer.comment(home, issue, c) for c in issue.comments],
            }

    def _places(self, repo: Repo | None) -> tuple[str, ...]:
        if repo is None:
            return ("/repos/", "/repositories/")
        names = (repo.name, *repo.former)
        return (f"/repositories/{repo.id}/", *(f"/repos/{name}/" for name in names))

    def fault(self, name: str, times: int | None = 1, match: str | None = None) -> None:
        """Arms a fault; `times=None` = until cleared. Raises ValueError for an unknown name."""
        self.faults.arm(name, times, match)

    def clear_faults(self) -> None:
        self.faults.clear()

    @contextmanager
    def running(self) -> Iterator[Sandbox]:
        server = FastStopServer(
            uvicorn.Config(
                app.build(self),
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
        thread = Thread(
            target=server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        thread.start()
        try:
            _await(server, thread)
            yield self
        finally:
            self.faults.ending.set()
            server.should_exit = True
            thread.join()
            self.hooks.close()
            self.gitlab.hooks.close()


def _await(server: uvicorn.Server, thread: Thread, seconds: float = 10.0) -> None:
    until = monotonic() + seconds
    while not server.started:
        if not thread.is_alive() or monotonic() > until:
            raise RuntimeError("the sandbox did not start")
        sleep(0.005)
