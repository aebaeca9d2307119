"""The sandbox as one object: a forge and two model APIs over real HTTP on a loopback port."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx
import uvicorn

from bot.sandbox import app
from bot.sandbox.broken import Swift, Transparent
from bot.sandbox.deliver import Delivery, Hooks
from bot.sandbox.demo import DEMO_LABELS, DEMO_REPO
from bot.sandbox.faults import Faults
from bot.sandbox.github import faults as github_faults
from bot.sandbox.github.access import BOT, GRANTED, Access
from bot.sandbox.github.shapes import Shapes
from bot.sandbox.hands import Hands
from bot.sandbox.model import faults as model_faults
from bot.sandbox.model.face import ModelRequest, Models
from bot.sandbox.record import Exchange, Log
from bot.sandbox.world import Comment, Repo, World, now

INSTALLATION = 90_210
MODEL_FACES = ("openai", "anthropic")


@dataclass(repr=False)
class Sandbox(Hands):
    """Bound to its port at once, answering inside `running()`. `port` 0 takes a free one."""

    webhook_url: str | None = None
    webhook_secret: str = "sandbox-webhook-secret"
    app_id: int = 4711
    token: str = "github_pat_sandbox"
    token_login: str = "tagline-operator"
    model_key: str = "sandbox-key"
    port: int = 0
    clock: Callable[[], datetime] = now
    granted: Mapping[str, str] = field(default_factory=lambda: dict(GRANTED))
    installation_id: int = INSTALLATION
    log: Log = field(default_factory=Log)
    leaks: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        # Accepted connections inherit it; without, each answer waits 40 ms for an acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self._socket.getsockname()[1]
        self.world = World(self.clock)
        self.access = Access(
            self.app_id,
            self.installation_id,
            self.token,
            self.token_login,
            self.clock,
            self.granted,
        )
        self.models = Models(self.model_key)
        self.faults = Faults.of([*github_faults.rows(self.access), *model_faults.rows()])
        self.hooks = Hooks(
            Shapes(self.world, self.github_url, self.url),
            self.app_id,
            self.installation_id,
            self.webhook_secret,
            self.clock,
            lambda: self.webhook_url,
        )
        self.add_repo(DEMO_REPO, DEMO_LABELS)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def github_url(self) -> str:
        return f"{self.url}/github"

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
    def deliveries(self) -> list[Delivery]:
        return self.hooks.deliveries

    @property
    def exchanges(self) -> list[Exchange]:
        """What went over GitHub's face."""
        return self.log.of("github")

    @property
    def model_exchanges(self) -> list[Exchange]:
        return [exchange for face in MODEL_FACES for exchange in self.log.of(face)]

    @property
    def model_requests(self) -> list[ModelRequest]:
        """The prompts that reached a model face, struck by a fault or not."""
        return [
            ModelRequest(exchange.face, exchange.request_headers, exchange.request_json)
            for exchange in self.model_exchanges
            if exchange.method == "POST"
        ]

    def writes(self) -> list[Exchange]:
        """Requests that ask for a change in a repository, whatever the answer was."""
        return [e for e in self.exchanges if e.method != "GET" and e.path.startswith("/repos/")]

    def observe(self, observer: Callable[[Exchange], None]) -> None:
        """Called with every exchange of every face, in the server's thread; must not raise."""
        self.log.observers.append(observer)

    def add_repo(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        *,
        private: bool = False,
    ) -> Repo:
        return self.world.add_repo(name, labels or {}, files or {}, private=private)

    def created_labels(self, repo: str) -> list[str]:
        """Labels that came into being because an issue was given an unknown name."""
        return list(self.world.repo(repo).created_labels)

    def bot_comments(self, repo: str, number: int) -> list[Comment]:
        """Comments written by the App or with the personal token."""
        ours = (BOT, self.token_login)
        return [comment for comment in self.comments(repo, number) if comment.author in ours]

    def deliver(self, event: str, payload: Any, delivery_id: str | None = None) -> httpx.Response:
        """Signs and sends any payload. Raises httpx.TransportError where nobody answers."""
        return self.hooks.deliver(event, payload, delivery_id)

    def redeliver(self, delivery_id: str | int) -> httpx.Response:
        return self.hooks.redeliver(delivery_id)

    def settle(self) -> None:
        """Waits until the webhooks raised by the bot's own deeds were sent."""
        self.hooks.settle()

    def fault(self, name: str, times: int | None = 1, match: str | None = None) -> None:
        """Arms a fault; `times=None` = until cleared. Raises ValueError for an unknown name."""
        self.faults.arm(name, times, match)

    def clear_faults(self) -> None:
        self.faults.clear()

    @contextmanager
    def running(self) -> Iterator[Sandbox]:
        server = Swift(
            uvicorn.Config(
                app.build(self),
                http=Transparent,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
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


def _await(server: uvicorn.Server, thread: Thread, seconds: float = 10.0) -> None:
    until = monotonic() + seconds
    while not server.started:
        if not thread.is_alive() or monotonic() > until:
            raise RuntimeError("the sandbox did not start")
        sleep(0.005)
