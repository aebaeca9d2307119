"""f013 to f021: Redis is down, restarted, emptied, read-only, full, slow or silent."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest
import redis

from bot.core.prompt import Prompt
from bot.embedded.valkey import EmbeddedRedis
from bot.flow.reconcile import MIN_AGE_SECONDS
from bot.http import ClientPool
from bot.llm.client import ModelClient
from bot.queue.enqueue import ANSWER_SECONDS
from tests.conftest import crash, free_port
from tests.simulation import Sandbox
from tests.waiting import is_ok, wait_until
from tests.whole.app import BODY, TITLE, App
from tests.whole.faults.conftest import assert_answered, count_posts
from tests.whole.periodic import PeriodicTasks

Failure = Callable[[EmbeddedRedis, redis.Redis], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def breakable_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path_factory.mktemp("breakable_redis"), port=free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def _breakable_app(
    box: Sandbox, breakable_redis: EmbeddedRedis, short_waits: None
) -> Iterator[App]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.queue.enqueue.REPOSITORIES_SECONDS", 0.05)
        patch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
        app = App(box, breakable_redis.url, environment={"LLM_TIMEOUT": "5"})
        with app.open():
            yield app


@pytest.fixture
def breakable_app(
    _breakable_app: App, breakable_redis: EmbeddedRedis, clean: str, host: str
) -> App:
    """An app whose Redis a test may break."""
    with redis.Redis.from_url(breakable_redis.url) as client:
        client.flushall()
    _breakable_app.refresh(host)
    # The test before may have broken it.
    wait_until(lambda: is_ok(f"{_breakable_app.url}/readyz"))
    return _breakable_app


def _open_old(app: App, n: int = 0) -> int:
    """Open an issue that is old enough for reconciliation."""
    body, long_ago = f"{BODY} Number {n}.", time.time() - 2 * MIN_AGE_SECONDS
    author = f"author-{n}"
    return app.host.open_issue(app.repo, TITLE, body, created_at=long_ago, author=author)


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
def _set_to_one(option: str, _server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.config_set(option, "1")
    yield
    client.config_set(option, "0")


@contextmanager
def _slow(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    client.client_pause(600, all=True)
    yield


@contextmanager
def _silent(_server: EmbeddedRedis, client: redis.Redis) -> Iterator[None]:
    pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


FAILURES: dict[str, Failure] = {
    "f013-down": _down,
    "f017-read-only": _read_only,
    "f018-full": partial(_set_to_one, "maxmemory"),
    "f019-slow": _slow,
    "f020-black-hole": _silent,
    # It refuses writes as with a full disk, with another error text.
    "f085-full-disk": partial(_set_to_one, "min-replicas-to-write"),
}


@pytest.mark.slow
@pytest.mark.parametrize("failure", FAILURES)
def test_a_redis_that_does_not_confirm_is_503_and_the_issue_is_not_lost(
    breakable_app: App,
    breakable_redis: EmbeddedRedis,
    clients: ClientPool,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
) -> None:
    app = breakable_app
    first = app.issue(TITLE, f"{BODY} Earlier.")
    with (
        redis.Redis.from_url(breakable_redis.url) as client,
        FAILURES[failure](breakable_redis, client),
    ):
        with monkeypatch.context() as patch:
            patch.setattr("bot.queue.enqueue.ANSWER_SECONDS", 0.3)
            number = _open_old(app)
        assert app.opened.status == 503
        assert app.opened.job is None
        assert is_ok(f"{app.url}/healthz"), "within a second"
    (error,) = [e for e in app.events() if e["event"].startswith("Redis did not confirm")]
    assert error["level"] == "error"
    if app.on == "gitlab":
        app.wait(lambda: app.host.redeliver(app.opened.id).is_success)
    else:
        PeriodicTasks(app, clients).reconcile()
    app.wait(lambda: app.comments(number))
    app.wait_for_end()
    assert_answered(app, number)
    assert len(app.comments(first)) == 1
    assert count_posts(app) == 2


def test_f013_f019_f020_the_receiver_responds_within_two_seconds() -> None:
    assert ANSWER_SECONDS <= 2


def test_f014_a_restart_loses_no_queued_job_and_repeats_no_comment(
    breakable_app: App, breakable_redis: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, complete = breakable_app, ModelClient.complete
    queued, once = threading.Event(), threading.Lock()

    def restarting(self: ModelClient, prompt: Prompt, parse: Any) -> Any:
        answer = complete(self, prompt, parse)
        assert queued.wait(10)
        if once.acquire(blocking=False):
            crash(breakable_redis)
            breakable_redis.start()
        return answer

    monkeypatch.setattr("bot.store.locks.LOCK_MS", 400)
    with monkeypatch.context() as patch:
        patch.setattr(ModelClient, "complete", restarting)
        numbers = [_open_old(app, n) for n in range(6)]  # four of them run
        queued.set()
        app.wait(lambda: not app.redis.hlen("tagline:issues.msgs"))
        app.wait(lambda: all(app.comments(number) for number in numbers))
    app.wait(lambda: not app.redis.hlen("tagline:issues.DQ.msgs"))
    for number in numbers:
        assert_answered(app, number)
    app.wait(lambda: count_posts(app) >= 6)  # a request is recorded after its response
    assert count_posts(app) == 6
    assert once.locked()


def test_f015_an_idle_worker_reconnects(breakable_app: App, breakable_redis: EmbeddedRedis) -> None:
    app = breakable_app
    breakable_redis.kill()
    time.sleep(0.3)
    breakable_redis.start()
    number = app.wait(lambda: _open_accepted(app))
    app.wait_for_end()
    assert_answered(app, number)


def _open_accepted(app: App) -> int | None:
    number = _open_old(app)
    return number if app.opened.status == 202 else None


def test_f016_issues_that_a_flush_has_lost_are_found_and_get_one_comment(
    idle_app: App, clients: ClientPool
) -> None:
    app, tasks = idle_app, PeriodicTasks(idle_app, clients)
    with app.running_worker():
        first = _open_old(app)
        app.wait_for_end()
    tasks.reconcile()  # as at a worker's start: records the repositories
    numbers = [_open_old(app, n) for n in range(1, 5)]
    app.redis.flushall()
    with app.running_worker(clear=False):
        tasks.reconcile()
        app.wait(lambda: all(app.comments(number) for number in numbers))
    for number in (first, *numbers):
        assert_answered(app, number)
    assert count_posts(app) == 5


def test_f021_a_delivery_whose_claim_is_lost_changes_nothing(app: App) -> None:
    number = app.issue()
    before = app.comments(number)
    app.redis.flushall()  # the claim, and the record as well
    assert app.deliver_again().outcome == "unchanged"
    assert app.comments(number) == before
    assert count_posts(app) == 1
