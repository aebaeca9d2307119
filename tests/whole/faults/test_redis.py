"""f013 to f021: Redis is down, restarted, emptied, read-only, full, slow or silent."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from bot.core.prompt import Prompt
from bot.embedded.valkey import EmbeddedRedis
from bot.flow.reconcile import MIN_AGE_SECONDS
from bot.http import ClientPool
from bot.llm.client import ModelClient
from bot.queue.enqueue import ANSWER_SECONDS
from bot.sandbox.host import NewIssue
from tests.conftest import crash, free_port
from tests.simulation import Sandbox
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults.conftest import answered, healthy, posted
from tests.whole.outage import Outage

Trouble = Callable[[EmbeddedRedis, redis.Redis], object]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path_factory.mktemp("mortal"), port=free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def _shaken(box: Sandbox, mortal: EmbeddedRedis, impatient: None) -> Iterator[App]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.queue.enqueue.REPOSITORIES_SECONDS", 0.05)
        patch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
        app = App(box, mortal.url, environment={"LLM_TIMEOUT": "5"})
        with app.open():
            yield app


@pytest.fixture
def shaken(_shaken: App, mortal: EmbeddedRedis, clean: str, host: str) -> App:
    """A house whose Redis a test may break."""
    with redis.Redis.from_url(mortal.url) as client:
        client.flushall()
    _shaken.refresh(host)
    _shaken.wait(lambda: healthy(_shaken.url, "readyz"))  # what the test before broke is whole
    return _shaken


def _old(app: App, n: int = 0) -> int:
    """An issue that was opened before the minute in which deliveries are likely at work."""
    body, long_ago = f"{BODY} Number {n}.", time.time() - 2 * MIN_AGE_SECONDS
    how: NewIssue = {"created_at": long_ago, "author": f"author-{n}"}
    return app.host.open_issue(app.repo, TITLE, body, **how)


@contextmanager
def _down(server: EmbeddedRedis, _client: redis.Redis) -> Iterator[None]:
    server.kill()
    yield
    server.start()


@contextmanager
def _read_only(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.config_set("replica-serve-stale-data", "yes")
    client.replicaof("127.0.0.1", "1")
    yield
    client.replicaof("NO", "ONE")


@contextmanager
def _full(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.config_set("maxmemory", "1")
    yield
    client.config_set("maxmemory", "0")


@contextmanager
def _slow(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.client_pause(600, all=True)
    yield


@contextmanager
def _silent(server: EmbeddedRedis, _client: redis.Redis) -> Iterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    yield
    os.kill(server.pid, signal.SIGCONT)


@contextmanager
def _refusing_writes(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    """As it does when its disk is full, in other words."""
    client.config_set("min-replicas-to-write", "1")
    yield
    client.config_set("min-replicas-to-write", "0")


AT_THE_DOOR = {
    "f013-down": _down,
    "f017-read-only": _read_only,
    "f018-full": _full,
    "f019-slow": _slow,
    "f020-black-hole": _silent,
    "f085-full-disk": _refusing_writes,
}


@pytest.mark.parametrize("trouble", AT_THE_DOOR)
def test_a_redis_that_does_not_confirm_is_503_and_the_issue_is_not_lost(
    shaken: App,
    mortal: EmbeddedRedis,
    clients: ClientPool,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    app = shaken
    first = app.issue(TITLE, f"{BODY} Earlier.")
    with redis.Redis.from_url(mortal.url) as client, AT_THE_DOOR[trouble](mortal, client):
        with monkeypatch.context() as patch:
            patch.setattr("bot.queue.enqueue.ANSWER_SECONDS", 0.3)
            number = _old(app)
        assert app.opened.status == 503
        assert app.opened.job is None
        assert healthy(app.url), "within a second"
    (error,) = [e for e in app.events() if e["event"].startswith("Redis did not confirm")]
    assert error["level"] == "error"
    if app.on == "gitlab":
        app.wait(lambda: app.host.redeliver(app.opened.id).is_success or None)
    else:
        Outage(app, clients).sweep()
    app.wait(lambda: app.comments(number) or None)
    app.over()
    answered(app, number)
    assert len(app.comments(first)) == 1
    assert posted(app) == 2


def test_f013_f019_f020_the_door_answers_within_two_seconds() -> None:
    assert ANSWER_SECONDS <= 2


def test_f014_a_restart_loses_no_queued_job_and_doubles_no_running_one(
    shaken: App, mortal: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, complete = shaken, ModelClient.complete
    queued, once = threading.Event(), threading.Lock()

    def restarting(self: ModelClient, prompt: Prompt, parse: Any) -> Any:
        answer = complete(self, prompt, parse)
        assert queued.wait(10)
        if once.acquire(blocking=False):
            crash(mortal)
            mortal.start()
        return answer

    monkeypatch.setattr("bot.store.locks.LOCK_MS", 400)
    with monkeypatch.context() as patch:
        patch.setattr(ModelClient, "complete", restarting)
        numbers = [_old(app, n) for n in range(6)]  # four of them run
        queued.set()
        app.wait(lambda: None if app.redis.hlen("tagline:issues.msgs") else True)
        app.wait(lambda: all(app.comments(number) for number in numbers) or None)
    app.wait(lambda: None if app.redis.hlen("tagline:issues.DQ.msgs") else True)
    for number in numbers:
        answered(app, number)
    assert posted(app) == 6
    assert once.locked()


def test_f015_an_idle_worker_connects_again_by_itself(shaken: App, mortal: EmbeddedRedis) -> None:
    app = shaken
    mortal.kill()
    time.sleep(0.3)
    mortal.start()
    number = app.wait(lambda: _taken(app))
    app.over()
    answered(app, number)


def _taken(app: App) -> int | None:
    number = _old(app)
    return number if app.opened.status == 202 else None


def test_f016_what_a_flush_has_lost_is_found_and_nothing_is_said_twice(
    vacant: App, clients: ClientPool
) -> None:
    app, outage = vacant, Outage(vacant, clients)
    with app.working():
        first = _old(app)
        app.over()
    outage.sweep()  # as a worker does at its start; now it knows where to look
    numbers = [_old(app, n) for n in range(1, 5)]
    app.redis.flushall()
    with app.working(forgetful=False):
        outage.sweep()
        app.wait(lambda: all(app.comments(number) for number in numbers) or None)
    for number in (first, *numbers):
        answered(app, number)
    assert posted(app) == 5


def test_f021_a_delivery_whose_claim_is_forgotten_changes_nothing(app: App) -> None:
    number = app.issue()
    before = app.comments(number)
    app.redis.flushall()  # the claim, and the record as well
    assert app.again().outcome == "unchanged"
    assert app.comments(number) == before
    assert posted(app) == 1
