"""The sandbox with what tests need besides: a log, all faults, scripted answers, installations."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot.sandbox import server
from bot.sandbox.demo import DEMO_REPO
from bot.sandbox.faults import Fault
from bot.sandbox.github.access import Installation
from bot.sandbox.github.api import Row
from bot.sandbox.github.api import router as github_router
from bot.sandbox.github.serializers import Serializer
from bot.sandbox.gitlab.host import GitLabHost
from bot.sandbox.model.api import Models, Vendor, router
from bot.sandbox.model.openai import OpenAI
from bot.sandbox.state import Missing, Repo, RepoId
from tests.simulation import checks, forge_faults, model_faults, polling
from tests.simulation.anthropic import Anthropic
from tests.simulation.anthropic_batches import AnthropicBatchApi
from tests.simulation.fast_stop import FastStopServer
from tests.simulation.github import FullSerializer
from tests.simulation.gitlab import GitLab
from tests.simulation.host import Host
from tests.simulation.openai_batches import OpenAIBatchApi
from tests.simulation.recorder import Exchange, Log, Recorder
from tests.simulation.registration import AppRegistration, Registrations, replace_app
from tests.simulation.schema import fit, schema_of

MODEL_APIS = ("openai", "anthropic")
MODEL_PATHS = (OpenAI.path, Anthropic.path)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request that reached a model API, with a fault or without."""

    api: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class ScriptedModels(Models):
    """`replies` are assistant texts, used up before the rules answer."""

    replies: deque[str] = field(default_factory=deque)

    def text(self, vendor: Vendor, body: dict[str, Any]) -> str:
        """Return the next reply, or the answer by rules in the form that the request asks for."""
        if self.replies:
            return self.replies.popleft()
        text = Models.text(self, vendor, body)
        schema = schema_of(vendor.name, body)
        return json.dumps(fit(schema, json.loads(text))) if schema else text


@dataclass(repr=False)
class Sandbox(Host, server.Sandbox):
    """Actions and queries are about GitHub; `gitlab` has the same, `hosts` both by name."""

    config_path: ClassVar[str] = ".github/tagline.yml"
    serializer_type: ClassVar[type[Serializer]] = FullSerializer
    gitlab_type: ClassVar[type[GitLabHost]] = GitLab
    github_rows: ClassVar[list[Row]] = [
        *server.Sandbox.github_rows,
        *checks.GITHUB_ROWS,
        *polling.GITHUB_ROWS,
    ]
    server_type: ClassVar[type[uvicorn.Server]] = FastStopServer
    gitlab: GitLab = field(init=False)
    log: Log = field(default_factory=Log)
    leaks: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        server.Sandbox.__post_init__(self)
        self.gitlab.log = self.log
        self.models: ScriptedModels = ScriptedModels(self.model_key)
        self.batches: dict[str, OpenAIBatchApi | AnthropicBatchApi] = {
            "openai": OpenAIBatchApi(self.models, OpenAI()),
            "anthropic": AnthropicBatchApi(self.models, Anthropic()),
        }
        self._installation_ids = count(self.installation_id + 1)
        owner = DEMO_REPO.partition("/")[0]
        self.registrations = Registrations(
            self.github, self.token_login, (owner,), self._register, self._move_hook
        )

    @property
    def hosts(self) -> Mapping[str, Host]:
        return {"github": self, "gitlab": self.gitlab}

    def known_faults(self) -> Sequence[Fault]:
        return [
            *super().known_faults(),
            *forge_faults.rows(self.access, self.gitlab.state.time),
            *model_faults.rows(),
        ]

    def wrap(self, app: ASGIApp, name: str) -> ASGIApp:
        return Recorder(super().wrap(app, name), name, self.log)

    def _register(self, app: AppRegistration) -> None:
        self.app_id, self.webhook_url = app.app_id, app.webhook_url
        replace_app(self.access, app)
        self.hooks.secret = app.webhook_secret or ""

    def _move_hook(self, url: str) -> None:
        self.webhook_url = url

    def routes(self) -> list[BaseRoute]:
        return [*super().routes(), *self.registrations.routes()]

    def apis(self) -> dict[str, tuple[str, ASGIApp]]:
        batched = self.batches.values()
        routers = {x.name: router(self.models, x.vendor, x.routes()) for x in batched}
        paths = {"openai": "/openai/v1", "anthropic": "/anthropic"}
        rows = [*self.github_rows, *self.registrations.rows()]
        routers["github"] = github_router(self.github, rows)
        paths["github"] = "/github"
        return {**super().apis(), **{name: (paths[name], app) for name, app in routers.items()}}

    def control_routes(self) -> Sequence[BaseRoute]:
        return [
            *super().control_routes(),
            Route("/elsewhere", self._elsewhere, methods=["GET", "POST"]),
        ]

    def _elsewhere(self, request: Request) -> Response:
        """Record whether a request that followed `model-redirect` brought a key."""
        keys = [name for name in ("authorization", "x-api-key") if name in request.headers]
        self.leaks.append({"keys": keys, "method": request.method})
        return JSONResponse({"error": "nothing here"}, 404)

    @contextmanager
    def running(self) -> Iterator[Sandbox]:
        with super().running():
            yield self

    def environment(self) -> dict[str, str]:
        """Return the settings with which the product uses this sandbox."""
        return {
            "GITHUB_APP_ID": str(self.app_id),
            "GITHUB_PRIVATE_KEY": self.private_key,
            "GITHUB_WEBHOOK_SECRET": self.webhook_secret,
            "GITHUB_API_URL": self.github_url,
            "GITLAB_URL": self.gitlab_url,
            "GITLAB_TOKEN": self.gitlab.token,
            "GITLAB_SIGNING_TOKEN": self.gitlab.signing_token or "",
            "LLM_PROVIDER": "openai",
            "LLM_MODEL": "sandbox-rules",
            "OPENAI_API_KEY": self.model_key,
            "OPENAI_BASE_URL": self.openai_url,
        }

    @property
    def anthropic_url(self) -> str:
        return f"{self.url}/anthropic"

    @property
    def replies(self) -> deque[str]:
        return self.models.replies

    @property
    def model_exchanges(self) -> list[Exchange]:
        return [exchange for api in MODEL_APIS for exchange in self.log.of(api)]

    @property
    def model_requests(self) -> list[ModelRequest]:
        return [
            ModelRequest(exchange.api, exchange.request_headers, exchange.request_json)
            for exchange in self.model_exchanges
            if exchange.method == "POST" and exchange.path in MODEL_PATHS
        ]

    def observe(self, observer: Callable[[Exchange], None]) -> None:
        """Call the observer with every exchange, in the server's thread; it must not raise."""
        self.log.observers.append(observer)

    @property
    def bot_accounts(self) -> tuple[str, ...]:
        """The App and the personal token's owner."""
        return (self.access.bot, self.token_login)

    def install(self, owner: str) -> int:
        """Install the App for an account; the first installation covers all other accounts."""
        installation = Installation(next(self._installation_ids), owner)
        self.access.installations.append(installation)
        return installation.id

    def web_install(self, slug: str) -> None:
        """Install an App that was registered from a manifest, as its owner does on the page."""
        answer = httpx.post(f"{self.url}/apps/{slug}/installations", trust_env=False)
        assert answer.status_code == 302, answer.text

    def uninstall(self, repo: RepoId) -> None:
        """Remove the installation that covers the repository. Raises Missing."""
        self.access.installations.remove(self._installation(repo))

    def suspend(self, repo: RepoId) -> None:
        """Suspend the installation that covers the repository. Raises Missing."""
        self._installation(repo).suspended_at = self.state.clock()

    def _installation(self, repo: RepoId) -> Installation:
        installation = self.access.installation_of(self.state.repo(repo))
        if installation is None:
            raise Missing(f"no installation covers {repo}")
        return installation

    def _path_prefixes(self, repo: Repo | None) -> tuple[str, ...]:
        if repo is None:
            return ("/repos/", "/repositories/")
        names = (repo.name, *repo.former_names)
        return (f"/repositories/{repo.id}/", *(f"/repos/{name}/" for name in names))

    def fault(self, name: str, times: int | None = 1, match: str | None = None) -> None:
        """Arm a fault; `times=None` = until cleared. Raises ValueError for an unknown name."""
        self.faults.arm(name, times, match)

    def clear_faults(self) -> None:
        self.faults.clear()
