"""One sandbox for all whole tests; every exchange is held against the vendors' descriptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot import wiring
from bot.embedded.valkey import EmbeddedRedis
from bot.http import ClientPool
from tests.outside.conformance import Conformance
from tests.outside.model_conformance import ModelConformance
from tests.shared import shared_folder
from tests.simulation import Exchange, Sandbox
from tests.simulation.model_faults import gzip_bomb
from tests.whole.app import SECRET, App
from tests.whole.differences import hosts_of

Build = Callable[..., App]


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox(webhook_secret=SECRET)
    gzip_bomb()  # packed once, before any deadline runs
    with sandbox.running():
        yield sandbox


@pytest.fixture(scope="session", autouse=True)
def one_round() -> Iterator[None]:
    """A worker looks for what was missed, and heals, when it starts; then the test has its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.queue.periodic.EVERY_SECONDS", 3600)
        yield


@pytest.fixture
def clean(box: Sandbox, redis_url: str, vendors: Vendors) -> Iterator[str]:
    """The address of an empty Redis; nothing armed or told in one test reaches the next.

    Afterwards every new kind of exchange is held against the vendors' own descriptions.
    """
    yield redis_url
    box.clear_faults()
    box.replies.clear()
    try:
        vendors.check([*box.exchanges, *box.model_exchanges])
    finally:
        with box.log.lock:
            box.log.exchanges.clear()
        for host in box.hosts.values():
            host.deliveries.clear()


class Vendors:
    """GitHub's description in both versions, and those of the model APIs."""

    def __init__(self, shared: Path) -> None:
        folder = shared / "contracts"
        openapi = folder / "github" / "openapi"
        names = ("api.github.com.trimmed.json", "api.github.com.2026-03-10.derived.json")
        present = folder.is_dir()
        self.github = [Conformance.read(openapi / name) for name in names] if present else []
        self.models = [ModelConformance.read(folder / "llm")] if present else []
        self.seen: set[object] = set()

    def check(self, exchanges: Sequence[Exchange]) -> None:
        checkers: list[Conformance | ModelConformance] = [*self.github, *self.models]
        for exchange in exchanges:
            kind = (
                exchange.api,
                exchange.method,
                re.sub(r"\d+", "N", exchange.path),
                exchange.status,
                exchange.fault,
                shape(exchange.request_body),
                shape(exchange.response_body),
            )
            if kind not in self.seen:
                self.seen.add(kind)
                for checker in checkers:
                    checker.check(exchange)
        assert not [violation for checker in checkers for violation in checker.violations]


def shape(body: bytes) -> str:
    """The names in a JSON text, without its values."""
    return b" ".join(re.findall(rb'"(\w+)" ?:', body[:100_000])[:500]).decode()


@pytest.fixture(scope="session")
def vendors() -> Vendors:
    return Vendors(shared_folder())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every scenario runs on each host, but for the declared differences."""
    if "host" in metafunc.fixturenames:
        metafunc.parametrize("host", hosts_of(metafunc.function.__name__), scope="function")


@pytest.fixture(autouse=True, scope="session")
def impatient() -> Iterator[None]:
    """After a lost answer the product waits 2, 5 and 10 s before it looks; it polls less often.
    Its door waits less long for Redis, which a busy machine may keep from answering.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.flow.publish.LOOK_AGAIN_SECONDS", (0.1, 0.2))
        patch.setattr("bot.queue.worker.PICK_UP_MS", 15)
        patch.setattr("bot.llm.client.PAUSE_SECONDS", 0.05)
        patch.setattr("bot.queue.enqueue.ANSWER_SECONDS", 10)
        yield


@pytest.fixture
def build(box: Sandbox, clean: str, host: str) -> Build:
    """Make a house with settings of its own."""

    def made(provider: str = "openai", **environment: str) -> App:
        return App(box, clean, provider, environment, host)

    return made


@pytest.fixture(scope="session")
def clients() -> Iterator[ClientPool]:
    made = wiring.clients()
    yield made
    made.close()


@pytest.fixture(scope="session")
def _standing(box: Sandbox, server: EmbeddedRedis, impatient: None) -> Iterator[dict[str, App]]:
    """A house per wire format that stands for the whole run, because opening one takes time."""
    with ExitStack() as stack:
        houses = {
            name: App(box, f"{server.url[:-1]}{database}", name)
            for database, name in enumerate(("openai", "anthropic"), 1)
        }
        for one in houses.values():
            stack.enter_context(one.open())
        yield houses


@pytest.fixture
def app(clean: str, _standing: dict[str, App], host: str) -> App:
    """A house with a model that speaks OpenAI's wire format, and a fresh repository."""
    _standing["openai"].refresh(host)
    return _standing["openai"]


@pytest.fixture(params=["openai", "anthropic"])
def either_house(
    request: pytest.FixtureRequest, clean: str, _standing: dict[str, App], host: str
) -> App:
    """The same on both wire formats."""
    app = _standing[request.param]
    app.refresh(host)
    return app
