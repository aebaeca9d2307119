"""Short waits, and the end state that most faults lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import msgspec
import pytest

from bot.core.types import Job
from bot.embedded.valkey import EmbeddedRedis
from tests.simulation import Sandbox
from tests.whole.app import App

SHORT = {
    "bot.queue.actors.FIRST_PAUSE": 0.02,
    "bot.queue.retries.RECONNECT_SECONDS": 0.05,
    "bot.flow.context.LAG_SECONDS": 0.02,
    "bot.flow.process.EDIT_RETRY_SECONDS": 0.02,
    "bot.store.locks.BUSY_SECONDS": 0.05,
    "dramatiq.worker.CONSUMER_RESTART_DELAY_SECS": 0.05,
}


@pytest.fixture(autouse=True)
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in SHORT.items():
        monkeypatch.setattr(name, seconds)


def assert_answered(app: App, number: int, *kept: str) -> None:
    """Check for one comment from the model, and its labels beside the `kept` ones; none created."""
    (comment,) = app.comments(number)
    assert comment.body.startswith("**Summary (automated):** ")
    assert "without a language model" not in comment.body
    assert sorted(app.labels(number)) == sorted({"area/login", "bug", *kept})
    assert app.created_labels() == []


def count_posts(app: App) -> int:
    """Return the number of requests that create a comment, including failed ones."""
    writes = app.host.writes(app.repo)
    return sum(w.method == "POST" and w.path.endswith(("/comments", "/notes")) for w in writes)


def queued_job(app: App) -> Job:
    """Return the only job in the queue."""
    (message,) = app.redis.hgetall("tagline:issues.msgs").values()
    return msgspec.convert(msgspec.json.decode(message)["kwargs"]["delivery"], Job)


@pytest.fixture(scope="package")
def _idle_app(box: Sandbox, server: EmbeddedRedis) -> Iterator[App]:
    app = App(box, f"{server.url[:-1]}3", environment={"LLM_TIMEOUT": "5"})
    with app.open(worker=False):
        yield app


@pytest.fixture
def idle_app(_idle_app: App, clean: str, host: str) -> App:
    """An app whose receiver runs for the whole session, without a worker."""
    _idle_app.refresh(host)
    return _idle_app


@pytest.fixture
def second_worker(
    idle_app: App, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[None]]:
    """Start another worker, as if the lock and the heartbeat of a killed one had expired."""

    def start() -> AbstractContextManager[None]:
        for lock in idle_app.redis.keys("tagline:lock:*"):
            idle_app.redis.delete(lock)
        monkeypatch.setattr("bot.queue.broker.HEARTBEAT_MS", 100)
        return idle_app.running_worker(clear=False)

    return start
