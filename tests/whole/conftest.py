"""One sandbox for all whole tests; exchanges are checked against the vendors' API descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
from tests.whole.app import SECRET, App, Build
from tests.whole.check_command import CheckCommand
from tests.whole.differences import hosts_of


@pytest.fixture(scope="package")
def box() -> Iterator[Sandbox]:
    sandbox = Sandbox(webhook_secret=SECRET)
    gzip_bomb()  # compressed once, before any time limit runs
    with sandbox.running():
        yield sandbox


@pytest.fixture(scope="package", autouse=True)
def one_periodic_run() -> Iterator[None]:
    """Run a worker's periodic tasks at its start only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.queue.periodic.EVERY_SECONDS", 3600)
        yield


@pytest.fixture
def clean(box: Sandbox, redis_url: str, vendors: Vendors) -> Iterator[str]:
    """The URL of an empty Redis; after the test the sandbox is reset.

    Every new kind of exchange is then checked against the vendors' API descriptions.
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
            host.anonymous.windows.clear()


DESCRIPTIONS = (
    "api.github.com.trimmed.json",
    "api.github.com.2026-03-10.derived.json",
    "api.github.com.intents.trimmed.json",
)


class Vendors:
    """The API descriptions of GitHub, in both versions, and of the model APIs."""

    def __init__(self, shared: Path) -> None:
        folder = shared / "contracts"
        openapi = folder / "github" / "openapi"
        present = folder.is_dir()
        self.github = [Conformance.read(openapi / x) for x in DESCRIPTIONS] if present else []
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
        found = [violation for checker in checkers for violation in checker.violations]
        for checker in checkers:
            checker.violations.clear()  # the checkers serve all tests
        assert not found


def shape(body: bytes) -> str:
    """Return the names in a JSON text, without its values."""
    return b" ".join(re.findall(rb'"(\w+)" ?:', body[:100_000])[:500]).decode()


@pytest.fixture(scope="package")
def vendors() -> Vendors:
    return Vendors(shared_folder())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every scenario on each host, except the declared differences."""
    if "host" in metafunc.fixturenames:
        metafunc.parametrize("host", hosts_of(metafunc.function.__name__), scope="function")


@pytest.fixture(autouse=True, scope="package")
def short_waits() -> Iterator[None]:
    """Shorten pauses and polling; let the receiver wait longer for Redis on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.flow.publish.LOOK_AGAIN_SECONDS", (0.1, 0.2))
        patch.setattr("bot.queue.worker.PICK_UP_MS", 15)
        patch.setattr("bot.llm.client.PAUSE_SECONDS", 0.05)
        patch.setattr("bot.queue.enqueue.ANSWER_SECONDS", 10)
        patch.setattr("bot.flow.receive.LABELS_SPAN_SECONDS", 0.2)
        patch.setattr("bot.flow.receive.LABELS_SPREAD_SECONDS", 1)
        patch.setattr("bot.flow.receive.CLOSED_WAIT_SECONDS", 0.2)
        yield


@pytest.fixture
def build(box: Sandbox, clean: str, host: str) -> Build:
    """Return a function that makes an app with its own settings."""

    def make_app(provider: str = "openai", **environment: str) -> App:
        return App(box, clean, provider, environment, host)

    return make_app


@pytest.fixture(scope="package")
def clients() -> Iterator[ClientPool]:
    pool = wiring.clients()
    yield pool
    pool.close()


@pytest.fixture(scope="package")
def _apps(box: Sandbox, server: EmbeddedRedis, short_waits: None) -> Iterator[dict[str, App]]:
    """An app per wire format that runs for the whole session, because starting one takes time."""
    with ExitStack() as stack:
        apps = {
            name: App(box, f"{server.url[:-1]}{database}", name)
            for database, name in enumerate(("openai", "anthropic"), 1)
        }
        for app in apps.values():
            stack.enter_context(app.open())
        yield apps


@pytest.fixture
def app(clean: str, _apps: dict[str, App], host: str) -> App:
    """An app whose model uses OpenAI's wire format, with a new repository."""
    _apps["openai"].refresh(host)
    return _apps["openai"]


@pytest.fixture(params=["openai", "anthropic"])
def app_either_format(
    request: pytest.FixtureRequest, clean: str, _apps: dict[str, App], host: str
) -> App:
    """An app for each wire format, with a new repository."""
    app = _apps[request.param]
    app.refresh(host)
    return app


@pytest.fixture
def check(box: Sandbox, clean: str, own_redis: EmbeddedRedis, tmp_path: Path) -> CheckCommand:
    app = App(box, own_redis.url)
    box.webhook_url = "https://tagline.example/webhooks/github"
    return CheckCommand(app, tmp_path)
