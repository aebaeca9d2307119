"""Waits of seconds become moments; the end state that most faults lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import msgspec
import pytest

from bot.core.types import Job
from bot.embedded.valkey import EmbeddedRedis
from tests.simulation import Sandbox
from tests.whole.app import App

SHORT = {
    "bot.queue.actors.FIRST_PAUSE": 0.02,
    "bot.queue.retries.RECONNECT_SECONDS": 0.05,
    "bot.flow.process.LAG_SECONDS": 0.02,
    "bot.flow.process.EDITED_SECONDS": 0.02,
    "bot.store.locks.BUSY_SECONDS": 0.05,
    "dramatiq.worker.CONSUMER_RESTART_DELAY_SECS": 0.05,
}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in SHORT.items():
        monkeypatch.setattr(name, seconds)


def answered(app: App, number: int, *kept: str) -> None:
    """One comment with the model's words, its labels beside those that were there, none created."""
    (comment,) = app.comments(number)
    assert comment.body.startswith("**Summary (automated):** ")
    assert "without a language model" not in comment.body
    assert sorted(app.labels(number)) == sorted({"area/login", "bug", *kept})
    assert app.created_labels() == []


def posted(app: App) -> int:
    """How many comments were asked for, whatever became of them."""
    ways = ("/comments", "/notes")
    return len(
        [w for w in app.host.writes(app.repo) if w.method == "POST" and w.path.endswith(ways)]
    )


def queued(app: App) -> Job:
    """The one that waits in the queue."""
    (message,) = app.redis.hgetall("tagline:issues.msgs").values()
    return msgspec.convert(msgspec.json.decode(message)["kwargs"]["delivery"], Job)


def healthy(url: str, page: str = "healthz") -> bool | None:
    """True where a receiver says so within a second."""
    try:
        answer = httpx.get(f"{url}/{page}", trust_env=False, timeout=1)
    except httpx.TransportError:
        return None
    return answer.status_code == 200 or None


@pytest.fixture(scope="session")
def _vacant(box: Sandbox, server: EmbeddedRedis) -> Iterator[App]:
    app = App(box, f"{server.url[:-1]}3", environment={"LLM_TIMEOUT": "5"})
    with app.open(at_work=False):
        yield app


@pytest.fixture
def vacant(_vacant: App, clean: str, host: str) -> App:
    """A house whose receiver stands for the whole run, and nobody at work."""
    _vacant.refresh(host)
    return _vacant


@pytest.fixture
def survivor(
    vacant: App, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[None]]:
    """Puts another worker to work some time after the first one died: its lock is over, and its
    heartbeat is missed."""

    def at_work() -> AbstractContextManager[None]:
        for lock in vacant.redis.keys("tagline:lock:*"):
            vacant.redis.delete(lock)
        monkeypatch.setattr("bot.queue.broker.HEARTBEAT_MS", 100)
        return vacant.working(forgetful=False)

    return at_work
