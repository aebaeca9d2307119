"""The implementations of the store, and of the `Forge` port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot import wiring
from bot.core.types import IssueRef
from bot.forges.registry import FORGES
from bot.settings.load import load
from bot.store.redis import RedisStore
from tests.clock import Clock
from tests.contracts.forge_case import (
    BODY,
    TITLE,
    Case,
    Fake,
    Platforms,
    Simulated,
    add_repository,
    create_in,
)
from tests.memory_store import MemoryStore
from tests.simulation import Sandbox


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, clock: Clock) -> MemoryStore | RedisStore:
    if request.param == "memory":
        return MemoryStore(clock)
    return RedisStore(request.getfixturevalue("client"), clock)


@pytest.fixture(scope="module")
def platforms() -> Iterator[Platforms]:
    with Sandbox().running() as box:
        settings = load(
            {
                "GITHUB_APP_ID": str(box.app_id),
                "GITHUB_PRIVATE_KEY": box.private_key,
                "GITHUB_API_URL": box.github_url,
                "GITLAB_URL": box.gitlab_url,
                "GITLAB_TOKEN": box.gitlab.token,
            }
        )
        clients = wiring.clients()
        yield box, {name: entry.client(settings, clients) for name, entry in FORGES.items()}
        clients.close()


@pytest.fixture(params=["fake", "github", "workflow", "gitlab"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    if request.param == "fake":
        yield Fake()
        return
    box, forges = request.getfixturevalue("platforms")
    name = "github" if request.param == "workflow" else request.param
    host, forge, clients = box.hosts[name], forges[name], wiring.clients()
    repo = add_repository(host)
    if request.param == "workflow":
        permissions = {"issues": "write", "contents": "read"}
        token = box.access.create_workflow_token(host.state.repo(repo), permissions)
        settings = load({"GITHUB_TOKEN": token, "GITHUB_API_URL": box.github_url})
        forge = FORGES[name].client(settings, clients)
    number = host.open_issue(repo, TITLE, BODY, deliver=False)
    ref = forge.complete_ref(IssueRef(name, "", repo, number))
    yield Simulated(forge, host, ref)
    clients.close()


@pytest.fixture(params=["github", "gitlab"])
def created_in(request: pytest.FixtureRequest, platforms: Platforms) -> Simulated:
    """A client of each platform, with a new repository that has no issue."""
    return create_in(platforms, request.param)
